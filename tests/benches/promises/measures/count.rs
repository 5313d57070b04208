//! A live count with three conditions: a custom field, behaviour, a tag.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    bare::Layout,
    bench::{Bench, amount},
    load, people,
    report::Report,
};

const QUERY: &str = "{ customers(first: 1, filter: { tier: { eq: \"tier 1\" }, tags: { hasAny: [\"vip\"] },
    interactionsCount: { lt: \"5\" } }) { totalCount } }";
const TIMES: usize = 30;

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    people::tier(&tenant).await;
    people::import(&app, amount(1_000_000));
    if bench.is_postgres() {
        // Else the server tidies up after the import beside one of the two counts that are compared.
        let layout = Layout::read(&app.database_url().expect("PostgreSQL"), "acme").await;
        layout.execute(&format!("VACUUM (ANALYZE) {}.{}", layout.schema, layout.table)).await;
    }
    let address = app.server().address();
    let body = json!({ "query": QUERY }).to_string();
    let request = load::post(address, "/graphql", tenant.api_key.token(), &body);
    load::run(address, vec![request.clone()], 1, Duration::from_secs(2)).await;
    let ours = load::run(address, vec![request], 1, Duration::from_secs(10)).await;
    let (median, p95) = (millis(ours.percentile(0.5)), millis(ours.percentile(0.95)));

    let what = "live count, 3 conditions, 1 000 000 customers";
    let measured = format!("{median:.0} ms, p95 {p95:.0} ms");
    if bench.is_postgres() {
        let bare = by_hand(&app.database_url().expect("PostgreSQL")).await;
        let ratio = median / bare;
        let beside = format!("hand-written SQL {bare:.0} ms: {ratio:.2} ×");
        let kept = ratio <= 1.2 && p95 < 300.0;
        report.line(what, bench.name(), (measured, beside), "≤ 1.2 × SQL, p95 < 300 ms", Some(kept));
    } else {
        report.line(what, bench.name(), (measured, String::new()), "p95 < 300 ms", Some(p95 < 300.0));
    }
}

/// Median of the same count by SQL, in ms.
async fn by_hand(url: &str) -> f64 {
    let layout = Layout::read(url, "acme").await;
    let (tier, tags) = (layout.key("tier"), layout.column("tags"));
    let interactions = layout.column("interactionsCount");
    let sql = format!(
        "SELECT count(*) FROM {}.{} WHERE archived_at IS NULL AND {tier} = 'tier 1' AND {tags} && ARRAY['vip'] \
         AND {interactions} < 5",
        layout.schema, layout.table
    );
    let mut connection = layout.connect().await;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let asked = Instant::now();
        let counted: i64 = layout.number(&mut connection, &sql).await;
        assert!(counted > 0, "the hand-written count finds nothing");
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    millis(times[TIMES / 2])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
