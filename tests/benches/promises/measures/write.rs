//! One durable record: through the whole pipeline, and by bare SQL that writes the same rows.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    bare::Layout,
    bench::{Bench, amount},
    load,
    report::Report,
};

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    let address = app.server().address();
    let query = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
    let requests: Vec<_> = (0..amount(2_000))
        .map(|n| json!({ "query": query, "variables": { "data": { "firstName": "A", "lastName": format!("B{n}") } } }))
        .map(|body| load::post(address, "/graphql", tenant.api_key.token(), &body.to_string()))
        .collect();
    let ours = load::run(address, requests, 1, Duration::from_secs(10)).await;
    let (median, p99) = (millis(ours.percentile(0.5)), millis(ours.percentile(0.99)));
    let measured = format!("{median:.2} ms, p99 {p99:.2} ms");
    let what = "write of one record, durable";
    if bench.is_postgres() {
        let (bare_median, bare) = by_hand(&app.database_url().expect("PostgreSQL")).await;
        let ratio = p99 / bare;
        let beside = format!("bare SQL {bare_median:.2} ms, p99 {bare:.2} ms: {ratio:.1} ×");
        report.line(what, bench.name(), (measured, beside), "p99 ≤ 3 × bare SQL", Some(ratio <= 3.0));
    } else {
        report.line(what, bench.name(), (measured, String::new()), "", None);
    }
}

/// Median and p99, in ms, of a transaction that writes a row into each of the tables which one creation writes.
async fn by_hand(url: &str) -> (f64, f64) {
    let layout = Layout::read(url, "acme").await;
    let mut connection = layout.connect().await;
    let statements = layout.copies_of_a_creation(&mut connection).await;
    let mut times = Vec::new();
    for _ in 0..amount(2_000) {
        let asked = Instant::now();
        layout.transaction(&mut connection, &statements).await;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    (millis(times[times.len() / 2]), millis(times[times.len() * 99 / 100]))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
