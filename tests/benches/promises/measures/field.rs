//! A new field on a million customers, while others read.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    bench::{Bench, amount},
    load, people,
    report::Report,
};

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    people::import(&app, amount(1_000_000));
    let address = app.server().address();
    let body = json!({ "query": "{ customers(first: 50) { nodes { id name } } }" }).to_string();
    let request = load::post(address, "/graphql", tenant.api_key.token(), &body);
    let reading = tokio::spawn(load::run(address, vec![request], 2, Duration::from_secs(8)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = Instant::now();
    people::tier(&tenant).await;
    let took = asked.elapsed().as_secs_f64() * 1000.0;
    let slowest = reading.await.expect("readers end").percentile(1.0).as_secs_f64() * 1000.0;
    let beside = format!("slowest read meanwhile {slowest:.0} ms");
    let measured = (format!("{took:.0} ms"), beside);
    let kept = took < 1000.0 && slowest < 1000.0;
    report.line("a custom field on 1 000 000 customers", bench.name(), measured, "< 1 s, reads go on", Some(kept));
}
