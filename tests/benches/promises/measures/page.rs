//! A page of 50 customers, 8 columns, filtered by a custom field: one organisation, then many in turn.

use std::time::Duration;

use serde_json::json;
use tests::{Tenant, TestApp};

use crate::{
    bare,
    bench::{Bench, amount},
    load,
    people::{self, TIERS},
    report::{Report, percent},
};

const DURING: Duration = Duration::from_secs(10);
const QUERY: &str = "query ($tier: String!) { customers(first: 50, filter: { tier: { eq: $tier } }) {
    nodes { id name firstName lastName email phone city postalCode } } }";

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    people::tier(&tenant).await;
    people::import(&app, amount(100_000));
    let address = app.server().address();
    let requests = requests(&mut app, &[tenant.api_key.token().to_owned()]);

    load::run(address, requests.clone(), 16, Duration::from_secs(2)).await;
    let ours = load::run(address, requests.clone(), 16, DURING).await;
    let many = load::run(address, requests, 64, DURING).await;
    let p99 = many.percentile(0.99).as_secs_f64() * 1000.0;

    let what = "page of 50, 8 columns, custom filter, 100 000 customers";
    let measured = format!("{:.0}/s", ours.rate);
    if bench.is_postgres() {
        let bare = beside(&app).await;
        let ratio = ours.rate / bare.rate;
        let beside = format!("bare handler {:.0}/s: {}", bare.rate, percent(ratio));
        report.line(what, bench.name(), (measured, beside), "≥ 75 % of the bare handler", Some(ratio >= 0.75));
    } else {
        report.line(what, bench.name(), (measured, String::new()), "", None);
    }
    let slow = (format!("{p99:.1} ms"), String::new());
    report.line("the same, 64 clients, p99", bench.name(), slow, "≤ 25 ms", bench.is_postgres().then_some(p99 <= 25.0));
    drop(app);
    in_turn(bench, report, ours.rate).await;
}

/// The bare handler over the same rows, under the same load.
async fn beside(app: &TestApp) -> load::Load {
    let url = app.database_url().expect("PostgreSQL");
    let bare = bare::Process::start(&url, "acme").await;
    let requests = (0..TIERS).map(|tier| load::get(bare.address, &format!("/{tier}"))).collect::<Vec<_>>();
    load::run(bare.address, requests.clone(), 16, Duration::from_secs(2)).await;
    load::run(bare.address, requests, 16, DURING).await
}

/// The same over many organisations in turn.
async fn in_turn(bench: &Bench, report: &mut Report, single: f64) {
    let mut app = bench.app().await;
    let count = amount(1_000);
    let tenants: Vec<Tenant> = (0..count).map(|n| app.tenant(&format!("t{n}"))).collect();
    for tenant in &tenants {
        people::tier(tenant).await;
        let data: Vec<_> =
            (0..50).map(|n| json!({ "firstName": "A", "lastName": format!("B{n}"), "tier": "tier 1" })).collect();
        let query = "mutation ($data: [CustomerCreateInput!]!) { createCustomers(data: $data) { id } }";
        tenant.data(query, json!({ "data": data })).await;
    }
    let tokens: Vec<String> = tenants.iter().map(|tenant| tenant.api_key.token().to_owned()).collect();
    let address = app.server().address();
    let requests: Vec<_> = tokens.iter().map(|token| load::post(address, "/graphql", token, &body(1))).collect();
    // PostgreSQL plans a statement anew the first five times that a connection meets it.
    load::run(address, requests.clone(), 16, Duration::from_secs(40)).await;
    let turned = load::run(address, requests, 16, DURING).await;
    let ratio = turned.rate / single;
    let beside = format!("one organisation {single:.0}/s: {}", percent(ratio));
    let what = format!("the same over {count} organisations in turn");
    report.line(what, bench.name(), (format!("{:.0}/s", turned.rate), beside), "≥ 60 % of one", Some(ratio >= 0.6));
}

pub(super) fn requests(app: &mut TestApp, tokens: &[String]) -> Vec<Vec<u8>> {
    let address = app.server().address();
    let all = tokens.iter().flat_map(|token| (0..TIERS).map(move |tier| (token, tier)));
    all.map(|(token, tier)| load::post(address, "/graphql", token, &body(tier))).collect()
}

fn body(tier: usize) -> String {
    json!({ "query": QUERY, "variables": { "tier": format!("tier {tier}") } }).to_string()
}
