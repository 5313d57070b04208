//! A shutdown that loses nothing, and a database that comes back.

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Client, TestApp, until};

#[tokio::test]
async fn asked_to_stop_it_finishes_what_it_has() {
    let mut app = TestApp::spawn().await;
    let acme = app.tenant("acme");
    acme.create("customer", json!({ "firstName": "Ada" })).await;
    assert_eq!(app.server().stop(), Some(0), "{}", app.server().log());
    app.server().launch().await;
    let left = acme.data("{ customers { totalCount } }", json!({})).await;
    assert_eq!(left["customers"]["totalCount"], 1);
}

// Commands block their thread; the wire runs on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_down_answers_503_and_recovers() {
    if tests::postgres().is_none() {
        return; // A file is not down.
    }
    let (app, wire) = TestApp::start_behind_a_wire().await;
    let acme = app.tenant("acme");
    let query = "{ customers { totalCount } }";
    acme.data(query, json!({})).await;
    wire.cut();
    // A request whose credential is still known gets as far as its fields; the next ones are refused at once.
    until(30, "the database is missed", async || {
        let down = acme.graphql(query, json!({})).await;
        assert_eq!(down.code(), "UNAVAILABLE", "{}", down.text);
        down.status == 503
    })
    .await;
    assert_eq!(get(&acme.api_key, "/readyz").await.status, 503);
    assert_eq!(get(&acme.api_key, "/healthz").await.status, 200, "the process itself lives");
    wire.mend();
    until(30, "the database is back", async || {
        acme.graphql(query, json!({})).await.body["data"]["customers"]["totalCount"] == 0
    })
    .await;
    assert_eq!(get(&acme.api_key, "/readyz").await.status, 200);
}

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request(Method::GET, path)).await
}
