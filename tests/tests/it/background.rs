//! Long work goes on in the background, and keeps nothing else waiting.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp, until};

/// Imports customers, and answers the run at once.
async fn begin(tenant: &Tenant, csv: String) -> Value {
    let address = "/api/imports?object=customer&onDuplicate=create";
    let begun = Answer::of(tenant.api_key.request(Method::POST, address).body(csv)).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    begun.body["runId"].clone()
}

async fn run(tenant: &Tenant, id: &Value) -> Value {
    tenant.data("query ($id: ID!) { run(id: $id) { status matched error } }", json!({ "id": id })).await["run"].clone()
}

async fn customers(tenant: &Tenant) -> Value {
    tenant.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"].clone()
}

fn people(count: u32) -> String {
    (1..=count).fold("firstName\n".to_owned(), |rows, n| rows + &format!("Person {n}\n"))
}

#[tokio::test]
async fn the_undo_of_a_large_run_is_answered_before_it_is_done() {
    let app = TestApp::start_with(&[("CLIENTELE_WORKERS", "0")]).await;
    let tenant = app.tenant("acme");
    let file = app.scratch("people.csv");
    std::fs::write(&file, people(1_001)).expect("a file");
    let file = file.display().to_string();
    let imported = app.cli(&["import", "--tenant", "acme", "--file", &file]).json();
    let query = "mutation ($id: ID!) { undoRun(id: $id) { runId status undone } }";
    let undo = tenant.data(query, json!({ "id": imported["runId"] })).await["undoRun"].clone();
    assert_eq!((&undo["status"], &undo["undone"]), (&json!("QUEUED"), &json!(0)), "{undo}");
    assert_eq!(customers(&tenant).await, 1_001);

    let _working = app.beside_with(&[("CLIENTELE_WORKERS", "2")]).await;
    let ended = tenant.api_key.ended(&undo["runId"]).await;
    assert_eq!((&ended["status"], &ended["changed"]), (&json!("DONE"), &json!(1_001)), "{ended}");
    assert_eq!(customers(&tenant).await, 0);
}

#[tokio::test]
async fn a_long_import_keeps_nobody_waiting_and_remembers_what_it_looked_up() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    tenant.object("town").await;
    tenant.belongs_to("customer", "town", "customers", "SET_NULL").await;
    let town = tenant.create("town", json!({ "name": "Oran" })).await;
    let rows = (1..=40_000).fold("firstName,town\n".to_owned(), |rows, n| rows + &format!("Person {n},Oran\n"));
    let long = begin(&tenant, rows).await;
    let begun = async || run(&tenant, &long).await["matched"].as_i64().is_some_and(|rows| rows > 0);
    until(60, "the long import has begun", begun).await;
    tenant.api_key.update("town", &town, json!({ "name": "Wahran" })).await.data();

    let short = begin(&tenant, people(3)).await;
    let query = "mutation { inviteMember(email: \"bob@example.com\", role: \"agent\") { id } }";
    tenant.data(query, json!({})).await;
    app.mailbox().take("bob@example.com", "Invitation to acme").await;
    assert_eq!(tenant.api_key.ended(&short).await["status"], "DONE");
    let still = run(&tenant, &long).await;
    assert!(["QUEUED", "RUNNING"].contains(&still["status"].as_str().expect("a status")), "{still}");

    let ended = tenant.api_key.ended(&long).await;
    assert_eq!((&ended["changed"], &ended["failed"]), (&json!(40_000), &json!(0)), "{ended}");
}
