//! Crashes: the server is killed in the middle of work. What it acknowledged is stored once, and the feed reports it in
//! order. `make soak` does the same for longer, with more rows and many kills.

use std::{collections::HashSet, fmt::Write, fs, process::Stdio};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{Tenant, TestApp};

use crate::world;

const CREATE: &str = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";

#[tokio::test]
async fn writes_that_were_acknowledged_survive_once() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let writer = tenant.api_key.clone();
    let acknowledged = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = acknowledged.clone();
    let (half, halfway) = tokio::sync::oneshot::channel();
    let half = std::sync::Mutex::new(Some(half));
    let writing = tokio::spawn(async move {
        let writes = stream::iter(0..2_000).map(|number| {
            let request = writer.request(reqwest::Method::POST, "/graphql");
            let data = json!({ "firstName": format!("Person {number}"), "externalId": number.to_string() });
            request.json(&json!({ "query": CREATE, "variables": { "data": data } })).send()
        });
        let mut answers = writes.buffer_unordered(100);
        while let Some(answer) = answers.next().await {
            let Ok(answer) = answer else { break };
            let Ok(body) = answer.json::<Value>().await else { break };
            let Some(id) = body["data"]["createCustomer"]["id"].as_str() else { continue };
            let mut known = kept.lock().expect("not poisoned");
            known.push(id.to_owned());
            if known.len() == 150 {
                half.lock().expect("not poisoned").take().map(|half| half.send(()));
            }
        }
    });
    halfway.await.expect("150 writes");
    app.server().kill();
    writing.await.expect("the writers end");
    app.server().launch().await;

    let stored = all_customers(&tenant).await;
    let ids: HashSet<&str> = stored.iter().filter_map(|customer| customer["id"].as_str()).collect();
    let numbers: HashSet<&str> = stored.iter().filter_map(|customer| customer["externalId"].as_str()).collect();
    assert_eq!(numbers.len(), stored.len(), "a write was doubled");
    let acknowledged = acknowledged.lock().expect("not poisoned").clone();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !ids.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    feed_tells_each_creation_once(&tenant, &ids).await;
}

#[tokio::test]
async fn an_import_goes_on_after_a_crash_without_doubles() {
    const ROWS: usize = 10_000;
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let file = app.scratch("many.csv");
    let mut text = "externalId,firstName,email\n".to_owned();
    (0..ROWS).for_each(|row| writeln!(text, "{row},Person {row},p{row}@example.com").expect("memory"));
    fs::write(&file, text).expect("a file");

    // The server takes the file; the run is its own from then on.
    let upload = tenant.api_key.request(reqwest::Method::POST, "/api/imports?object=customer");
    let upload = upload.header("content-type", "text/csv");
    let body = fs::read(&file).expect("the file");
    let run = tests::Answer::of(upload.body(body)).await;
    assert!((200..300).contains(&run.status), "{} {}", run.status, run.text);
    until(&tenant, "some rows", |count| count > 0).await;
    app.server().kill();
    app.server().launch().await;
    until(&tenant, "all rows", |count| count >= ROWS as u64).await;
    let total = tenant.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"].clone();
    assert_eq!(total, ROWS);
}

#[tokio::test]
async fn a_command_killed_in_its_import_is_continued() {
    const ROWS: u64 = 8_000;
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let file = app.scratch("many.csv");
    let mut text = "externalId,firstName\n".to_owned();
    (0..ROWS).for_each(|row| writeln!(text, "{row},Person {row}").expect("memory"));
    fs::write(&file, text).expect("a file");
    let mut command = app.program().command(["import", "--tenant", "acme", "--object", "customer", "--file"]);
    let mut importing = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    until(&tenant, "some rows", |count| count > 0).await;
    importing.kill().expect("ours to kill");
    importing.wait().expect("it ends");
    until(&tenant, "all rows", |count| count >= ROWS).await;
    let total = tenant.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"].clone();
    assert_eq!(total, ROWS);
}

#[tokio::test]
async fn a_field_being_made_is_finished_after_a_crash() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    app.cli(&["create-test-customers", "--tenant", "acme", "--count", "6000"]).printed();
    let input = json!({ "object": "customer", "name": "loyalty", "label": { "en": "Loyalty" }, "type": "TEXT", "unique": true });
    world::field(&tenant, input).await;
    app.server().kill();
    app.server().launch().await;
    let query = "{ object(name: \"customer\") { fields { name state } } }";
    let active = |data: &Value| {
        let fields = data["object"]["fields"].as_array().expect("fields").clone();
        fields.iter().any(|field| field["name"] == "loyalty" && field["state"] == "ACTIVE")
    };
    wait(&tenant, query, "the field is active", active).await;
    tenant.create("customer", json!({ "firstName": "A", "loyalty": "gold" })).await;
    let twice = tenant.code(CREATE, json!({ "data": { "firstName": "B", "loyalty": "Gold" } })).await;
    assert!(["CONFLICT", "VALIDATION_FAILED"].contains(&twice.as_str()), "{twice}");
}

async fn all_customers(tenant: &Tenant) -> Vec<Value> {
    let query = "query ($after: String) { customers(first: 200, after: $after) {
        nodes { id externalId history(first: 5) { nodes { kind } } } pageInfo { hasNextPage endCursor } } }";
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = tenant.data(query, json!({ "after": after })).await["customers"].clone();
        let nodes = page["nodes"].as_array().expect("nodes").clone();
        let histories = nodes.iter().map(|node| node["history"]["nodes"].as_array().map_or(0, Vec::len));
        assert!(histories.into_iter().all(|count| count == 1), "history does not match the rows");
        all.extend(nodes);
        if page["pageInfo"]["hasNextPage"] != true {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

async fn feed_tells_each_creation_once(tenant: &Tenant, ids: &HashSet<&str>) {
    let query = "query ($after: Int64!) { changes(after: $after, objects: [\"customer\"], first: 200) {
        nodes { seq record kind } lastSeq hasMore } }";
    let (mut reported, mut after) = (Vec::new(), 0);
    loop {
        let page = tenant.data(query, json!({ "after": after })).await["changes"].clone();
        let nodes = page["nodes"].as_array().expect("nodes").clone();
        let seqs: Vec<i64> = nodes.iter().map(|node| number(&node["seq"])).collect();
        assert!(seqs.is_sorted() && seqs.first().is_none_or(|first| *first > after), "the feed is not in order");
        assert!(nodes.iter().all(|node| node["kind"] == "CREATED"), "nothing but creations was asked for");
        reported.extend(nodes.iter().map(|node| node["record"].as_str().expect("an id").to_owned()));
        after = number(&page["lastSeq"]);
        if page["hasMore"] != true {
            break;
        }
    }
    let distinct: HashSet<&str> = reported.iter().map(String::as_str).collect();
    assert_eq!(distinct.len(), reported.len(), "a commit was told twice");
    assert_eq!(&distinct, ids, "the feed tells what is stored, no more and no less");
}

/// An `Int64`, which may travel as text.
fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).expect("an integer")
}

async fn until(tenant: &Tenant, what: &str, enough: impl Fn(u64) -> bool) {
    let counted = |data: &Value| data["customers"]["totalCount"].as_u64().is_some_and(&enough);
    wait(tenant, "{ customers { totalCount } }", what, counted).await;
}

/// Repeats a request until the expected answer comes, for two minutes at most.
async fn wait(tenant: &Tenant, query: &str, what: &str, come: impl Fn(&Value) -> bool) {
    tests::until(120, what, async || come(&tenant.data(query, json!({})).await)).await;
}
