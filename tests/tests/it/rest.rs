//! Operations of the table that have a route in REST: the same arguments, refusals and answers as in GraphQL.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp, until};

#[tokio::test]
async fn a_run_is_read_listed_and_undone() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let run = imported(&acme).await;

    let one = get(&acme.api_key, &format!("/api/v1/runs/{run}")).await;
    let query = "query ($id: ID!) { run(id: $id) { id kind status object matched changed failed error progress
        createdBy { kind id name } createdAt updatedAt } }";
    let same = acme.data(query, json!({ "id": run })).await;
    assert_eq!((one.status, &one.body), (200, &same["run"]), "{}", one.text);

    let list = get(&acme.api_key, "/t/acme/api/v1/runs?first=1").await;
    assert_eq!(list.body, json!([same["run"]]), "{}", list.text);

    let undo = post(&acme.api_key, &format!("/api/v1/runs/{run}/undo"), "once").await;
    assert_eq!((undo.status, &undo.body["undone"]), (200, &json!(1)), "{}", undo.text);
    let again = post(&acme.api_key, &format!("/api/v1/runs/{run}/undo"), "once").await;
    assert_eq!(again.body, undo.body, "a repetition is answered what the first one was");
    let other = post(&acme.api_key, &format!("/api/v1/runs/{run}/cancel"), "once").await;
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH", "{}", other.text);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_named() {
    let app = TestApp::start().await;
    let key = app.tenant("acme").api_key;
    for (path, status, code, word) in [
        ("/api/v1/runs?first=many", 422, "BAD_REQUEST", "first"),
        ("/api/v1/runs?first=1000", 422, "BAD_REQUEST", "200"),
        ("/api/v1/runs?page=2", 422, "BAD_REQUEST", "first, after"),
        ("/api/v1/runs/none", 404, "NOT_FOUND", ""),
        ("/api/v1/changes?objects=spaceship", 404, "NOT_FOUND", "spaceship"),
        ("/t/globex/api/v1/runs", 404, "NOT_FOUND", ""),
    ] {
        let answer = get(&key, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path} {}", answer.text);
        assert!(answer.text.contains(word), "{path} {}", answer.text);
    }
    let refused = get(&app.anonymous(), "/api/v1/runs").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn the_feed_is_read_by_rest_and_paid_for() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let customer = acme.create("customer", json!({ "firstName": "Ann" })).await;
    acme.create("interaction", json!({ "kind": "note", "customer": customer })).await;
    let response = acme.api_key.request(Method::GET, "/api/v1/changes?objects=customer&objects=contactPoint&first=5");
    let response = response.send().await.expect("an answer");
    let left = response.headers().contains_key("ratelimit-remaining");
    let feed: Value = response.json().await.expect("JSON");
    assert!(left, "what is left of the budget is told");
    let objects: Vec<&str> =
        feed["nodes"].as_array().expect("nodes").iter().filter_map(|n| n["object"].as_str()).collect();
    assert!(objects.contains(&"customer") && !objects.contains(&"interaction"), "{feed}");
}

async fn imported(tenant: &Tenant) -> String {
    let start = "mutation { startImport(input: { object: \"customer\", csv: \"firstName\\nAnn\\n\" }) { id } }";
    let run = tenant.data(start, json!({})).await["startImport"]["id"].as_str().expect("an id").to_owned();
    let status = "query ($id: ID!) { run(id: $id) { status } }";
    until(30, "the import is done", async || {
        tenant.data(status, json!({ "id": run })).await["run"]["status"] == "DONE"
    })
    .await;
    run
}

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request(Method::GET, path)).await
}

async fn post(client: &Client, path: &str, key: &str) -> Answer {
    Answer::of(client.request(Method::POST, path).header("idempotency-key", key)).await
}
