//! A large upload, whose server is killed while it imports: every row arrives once.

use std::fmt::Write;

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Tenant, until};

use super::pause;
use crate::{Place, amount};

pub async fn trial(place: &Place) -> String {
    let (rows, kills) = (amount(200_000), amount(20));
    let mut app = place.spawn().await;
    let tenant = app.tenant("acme");
    let mut text = "externalId,firstName,email\n".to_owned();
    (0..rows).for_each(|row| writeln!(text, "{row},Person {row},p{row}@example.com").expect("memory"));
    let upload = tenant.api_key.request(Method::POST, "/api/imports?object=customer");
    let begun = Answer::of(upload.header("content-type", "text/csv").body(text)).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let mut met = 0;
    for _ in 0..kills {
        pause(250).await;
        let before = count(&tenant).await;
        app.server().kill();
        app.server().launch().await;
        met += usize::from(before < rows);
    }
    until(1_800, "all rows", async || count(&tenant).await >= rows).await;
    assert_eq!(count(&tenant).await, rows, "rows were doubled");
    until(60, "the run ends", async || {
        tenant.data("{ runs { status } }", json!({})).await["runs"][0]["status"] == "COMPLETED"
    })
    .await;
    format!("{rows} rows, {kills} kills ({met} before the last row was there): each row once")
}

async fn count(tenant: &Tenant) -> usize {
    let data = tenant.data("{ customers { totalCount } }", json!({})).await;
    data["customers"]["totalCount"].as_u64().expect("a count") as usize
}
