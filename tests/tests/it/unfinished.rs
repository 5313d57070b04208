//! Runs that a power cut met: each is finished, goes on, or failed with a reason, and can be taken back.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};

/// After how many other answers the process is killed.
const MOMENTS: [usize; 2] = [0, 8];

/// Sends a request, and kills the server so many answers later; starts it again.
async fn interrupted(app: &mut TestApp, client: &Client, moment: usize, request: reqwest::RequestBuilder) {
    let asking = tokio::spawn(async move { request.send().await.is_ok() });
    for _ in 0..moment {
        reqwest::get(client.url("/healthz")).await.expect("it lives");
    }
    app.server().kill();
    asking.await.expect("it is answered or broken off");
    app.server().launch().await;
}

/// Runs that were not there before, each once it has ended.
async fn new_runs(tenant: &Tenant, known: &mut HashMap<String, Value>) -> Vec<(Value, Value)> {
    let listed = tenant.data("{ runs(first: 200) { id kind } }", json!({})).await["runs"].clone();
    let mut new = Vec::new();
    for run in listed.as_array().expect("runs") {
        let id = run["id"].as_str().expect("an id").to_owned();
        if known.contains_key(&id) {
            continue;
        }
        let ended = tenant.api_key.ended(&run["id"]).await;
        let reason = ended["error"].as_str().is_some_and(|error| !error.is_empty());
        assert!(ended["status"] == "DONE" || ended["status"] == "FAILED" && reason, "{run} {ended}");
        known.insert(id, ended.clone());
        new.push((run["id"].clone(), ended));
    }
    new
}

async fn count(tenant: &Tenant, filter: &str) -> Value {
    let query = format!("{{ customers(filter: {{ {filter} }}) {{ totalCount }} }}");
    tenant.data(&query, json!({})).await["customers"]["totalCount"].clone()
}

#[tokio::test]
async fn changes_by_filter_do_not_hang() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    app.cli(&["create-test-customers", "--tenant", "acme", "--count", "1000"]).printed();
    let mut known = HashMap::new();
    new_runs(&tenant, &mut known).await;
    for moment in MOMENTS {
        let city = format!("Town{moment}");
        let query =
            "mutation ($city: String!) { updateCustomers(filter: {}, all: true, data: { city: $city }) { runId } }";
        let body = json!({ "query": query, "variables": { "city": city } });
        let request = tenant.api_key.request(Method::POST, "/graphql").json(&body);
        interrupted(&mut app, &tenant.api_key, moment, request).await;
        let changed = format!("city: {{ eq: \"{city}\" }}");
        for (run, ended) in new_runs(&tenant, &mut known).await {
            if ended["status"] == "DONE" {
                assert_eq!(
                    (&ended["matched"], count(&tenant, &changed).await),
                    (&json!(1_000), json!(1_000)),
                    "{ended}"
                );
            }
            let undone = tenant.api_key.undo(&run).await;
            assert_eq!((&undone["status"], &undone["failed"]), (&json!("DONE"), &json!(0)), "{moment}: {undone}");
            assert_eq!(count(&tenant, &changed).await, 0, "{moment}: all is as before");
            new_runs(&tenant, &mut known).await;
        }
    }
}

#[tokio::test]
async fn imports_do_not_hang() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let mut known = HashMap::new();
    for moment in MOMENTS {
        let name = format!("Person{moment}");
        let csv = format!("name\n{}", format!("{name}\n").repeat(50));
        let path = "/api/imports?object=customer&onDuplicate=create";
        let request = tenant.api_key.request(Method::POST, path).body(csv);
        interrupted(&mut app, &tenant.api_key, moment, request).await;
        let runs = new_runs(&tenant, &mut known).await;
        assert!(runs.len() < 2, "one upload is one run: {runs:?}");
        let filter = format!("name: {{ eq: \"{name}\" }}");
        let done = runs.iter().any(|(_, ended)| ended["status"] == "DONE");
        let expected = if done { 50 } else { 0 };
        assert_eq!(count(&tenant, &filter).await, expected, "{moment}: {runs:?}");
        for (run, _) in runs {
            let undone = tenant.api_key.undo(&run).await;
            assert_eq!((&undone["status"], &undone["failed"]), (&json!("DONE"), &json!(0)), "{moment}: {undone}");
            assert_eq!(count(&tenant, &filter).await, 0, "{moment}");
            new_runs(&tenant, &mut known).await;
        }
    }
}

#[tokio::test]
async fn undoing_does_not_hang() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    app.cli(&["create-test-customers", "--tenant", "acme", "--count", "1000"]).printed();
    let mut known = HashMap::new();
    for moment in MOMENTS {
        let city = format!("Town{moment}");
        let query =
            "mutation ($city: String!) { updateCustomers(filter: {}, all: true, data: { city: $city }) { runId } }";
        let run = tenant.data(query, json!({ "city": city })).await["updateCustomers"]["runId"].clone();
        new_runs(&tenant, &mut known).await;
        let undo = json!({ "query": "mutation ($id: ID!) { undoRun(id: $id) { runId } }", "variables": { "id": run } });
        let request = tenant.api_key.request(Method::POST, "/graphql").json(&undo);
        interrupted(&mut app, &tenant.api_key, moment, request).await;
        new_runs(&tenant, &mut known).await;
        // Once more takes back what is left, if anything is.
        tenant.api_key.undo(&run).await;
        assert_eq!(count(&tenant, &format!("city: {{ eq: \"{city}\" }}")).await, 0, "{moment}");
        new_runs(&tenant, &mut known).await;
    }
}
