//! The cost of a role: the same page for a caller who may do everything, and for one whose role lists fields one by
//! one.

use std::time::Duration;

use serde_json::json;

use super::page;
use crate::{
    bench::{Bench, amount},
    load, people,
    report::{Report, percent},
};

/// The two alternate, so that other load on the machine affects both.
const ROUNDS: usize = 4;
const DURING: Duration = Duration::from_secs(4);

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    people::tier(&tenant).await;
    people::import(&app, amount(100_000));
    let shown = ["name", "firstName", "lastName", "email", "phone", "city", "postalCode", "tier"];
    let fields: Vec<_> = shown.iter().map(|field| json!({ "field": field, "access": "READ" })).collect();
    let customer = json!({ "object": "customer", "read": "ALL", "fields": fields, "otherFields": "HIDDEN" });
    let role = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";
    tenant.data(role, json!({ "input": { "name": "clerk", "objects": [customer] } })).await;
    let made = app.cli(&["api-key", "create", "--tenant", &tenant.slug, "--name", "clerk", "--role", "clerk"]);
    let clerk = made.printed().to_owned();
    let address = app.server().address();
    let free = page::requests(&mut app, &[tenant.api_key.token().to_owned()]);
    let bound = page::requests(&mut app, &[clerk]);
    load::run(address, free.clone(), 16, DURING).await;
    load::run(address, bound.clone(), 16, DURING).await;
    let (mut everything, mut by_role) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        everything += load::run(address, free.clone(), 16, DURING).await.rate / ROUNDS as f64;
        by_role += load::run(address, bound.clone(), 16, DURING).await.rate / ROUNDS as f64;
    }
    let ratio = by_role / everything;
    let beside = format!("who may do everything {everything:.0}/s: {}", percent(ratio));
    let what = "the page by a role that names its fields";
    report.line(what, bench.name(), (format!("{by_role:.0}/s"), beside), "≥ 95 %", Some(ratio >= 0.95));
}
