//! A rollup that changes is a change of its record: in the feed and for subscribers, but not in its history.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{Scene, field_id, objects, redefine, rollup, scene, spent, sum};
use crate::access;

async fn lived_in(app: &TestApp) -> (Tenant, Scene) {
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    let scene = scene(&tenant).await;
    (tenant, scene)
}

/// What the feed has told so far.
async fn now(tenant: &Tenant) -> i64 {
    tenant.api_key.changes(0).await.1
}

/// What the feed tells after a number, one commit: first what was written, in its order, then the rollups.
async fn commit(tenant: &Tenant, after: i64) -> (Value, Value) {
    let (entries, _) = tenant.api_key.changes(after).await;
    let seqs: Vec<_> = entries.iter().map(|entry| &entry["seq"]).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] == pair[1]), "one commit: {entries:?}");
    let rollup = |entry: &&Value| entry["kind"] == "ROLLUP";
    let first = entries.iter().position(|entry| rollup(&entry)).unwrap_or(entries.len());
    assert!(entries[first..].iter().all(|entry| rollup(&entry)), "rollups stand last: {entries:?}");
    let written = entries[..first].iter().map(|entry| json!([entry["kind"], entry["object"], entry["record"]]));
    let mut rollups: Vec<_> = entries[first..].iter().map(summary).collect();
    rollups.sort_by_key(Value::to_string);
    (written.collect(), rollups.into())
}

/// Object, record and the names of fields, by name.
fn summary(entry: &Value) -> Value {
    let mut fields = entry["fields"].as_array().expect("names").clone();
    fields.sort_by_key(Value::to_string);
    json!([entry["object"], entry["record"], fields])
}

fn sorted(mut rollups: Vec<Value>) -> Value {
    rollups.sort_by_key(Value::to_string);
    rollups.into()
}

#[tokio::test]
async fn a_commit_tells_of_each_record_whose_rollups_changed_once_and_last() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let after = now(&tenant).await;
    let query = "mutation ($data: [SaleCreateInput!]!) { createSales(data: $data) { id } }";
    let data = json!([{ "name": "A", "amount": "1", "customer": scene.ada }, { "name": "B", "amount": "2", "customer": scene.ada },
        { "name": "C", "amount": "3", "customer": scene.bea }]);
    let made = tenant.data(query, json!({ "data": data })).await["createSales"].clone();
    let (written, rollups) = commit(&tenant, after).await;
    let created: Vec<_> = (0..3).map(|at| json!(["CREATED", "sale", made[at]["id"]])).collect();
    assert_eq!(written, json!(created));
    let expected = sorted(vec![
        json!(["customer", scene.ada, ["spent"]]),
        json!(["customer", scene.bea, ["spent"]]),
        json!(["land", scene.north, ["spent"]]),
        json!(["town", scene.aire, ["best", "spent"]]),
    ]);
    assert_eq!(rollups, expected);
}

#[tokio::test]
async fn what_did_not_change_is_not_told() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let after = now(&tenant).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "name": "Q" })).await.data();
    let (written, rollups) = commit(&tenant, after).await;
    assert_eq!((written, rollups), (json!([["UPDATED", "sale", scene.of_ada]]), json!([])));

    // The most that somebody of Aire spent is Bea's 7.
    let after = now(&tenant).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "6" })).await.data();
    let (_, rollups) = commit(&tenant, after).await;
    let expected = sorted(vec![
        json!(["customer", scene.ada, ["spent"]]),
        json!(["land", scene.north, ["spent"]]),
        json!(["town", scene.aire, ["spent"]]),
    ]);
    assert_eq!(rollups, expected);

    // Within a town: its own sum and the land's stay.
    let after = now(&tenant).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "customer": scene.bea })).await.data();
    let (_, rollups) = commit(&tenant, after).await;
    let expected = sorted(vec![
        json!(["customer", scene.ada, ["spent"]]),
        json!(["customer", scene.bea, ["spent"]]),
        json!(["town", scene.aire, ["best"]]),
    ]);
    assert_eq!(rollups, expected);
}

#[tokio::test]
async fn a_record_that_the_commit_made_or_destroyed_has_no_entry_of_its_own() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    rollup(&tenant, "customer", "points", json!({ "relation": "contactPoints", "function": "COUNT" })).await.data();
    let after = now(&tenant).await;
    // Her email address is a contact point, made in the same commit.
    let data = json!({ "name": "Dia", "email": "dia@example.com", "town": scene.aire });
    tenant.create("customer", data).await;
    let (written, rollups) = commit(&tenant, after).await;
    assert_eq!((written.as_array().map(Vec::len), rollups), (Some(2), json!([])));

    let after = now(&tenant).await;
    tenant.api_key.act("destroy", "customer", &scene.cal).await.data();
    let (written, rollups) = commit(&tenant, after).await;
    let mut destroyed = written.as_array().expect("entries").clone();
    destroyed.sort_by_key(Value::to_string);
    let expected = [json!(["DESTROYED", "customer", scene.cal]), json!(["DESTROYED", "sale", scene.of_cal])];
    assert_eq!(destroyed, expected);
    let expected =
        sorted(vec![json!(["land", scene.south, ["spent"]]), json!(["town", scene.brest, ["best", "spent"]])]);
    assert_eq!(rollups, expected);
}

#[tokio::test]
async fn history_version_and_date_of_a_record_do_not_move_with_its_rollups() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let query = "query ($id: ID!) { town(id: $id) { version updatedAt history { nodes { kind } } } }";
    let before = tenant.data(query, json!({ "id": scene.aire })).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "50" })).await.data();
    assert_eq!(tenant.data(query, json!({ "id": scene.aire })).await, before);
    let write =
        "mutation ($id: ID!) { updateTown(id: $id, version: 1, data: { name: \"Aire-sur-Adour\" }) { version } }";
    tenant.data(write, json!({ "id": scene.aire })).await;
}

#[tokio::test]
async fn taking_back_tells_of_the_rollups_again() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let write = "mutation { updateSales(filter: { amount: { eq: \"30\" } }, data: { amount: \"1\" }) { runId } }";
    let run = tenant.data(write, json!({})).await["updateSales"]["runId"].clone();
    let after = now(&tenant).await;
    tenant.api_key.undo(&run).await;
    let (written, rollups) = commit(&tenant, after).await;
    assert_eq!(written, json!([["UPDATED", "sale", scene.of_cal]]));
    let expected = sorted(vec![
        json!(["customer", scene.cal, ["spent"]]),
        json!(["land", scene.south, ["spent"]]),
        json!(["town", scene.brest, ["best", "spent"]]),
    ]);
    assert_eq!(rollups, expected);
}

#[tokio::test]
async fn rollups_that_are_computed_anew_are_told_once_for_each_object() {
    let app = TestApp::start().await;
    let (tenant, _) = lived_in(&app).await;
    let after = now(&tenant).await;
    rollup(&tenant, "customer", "bought", json!({ "relation": "sales", "function": "COUNT" })).await.data();
    assert_eq!(rebuilt(&tenant, after, 1).await, [json!(["customer", null, ["bought"]])]);

    // Those above are computed anew, too.
    let after = now(&tenant).await;
    let id = field_id(&tenant, "customer", "spent").await;
    let mut dear = sum("sales", "amount");
    dear["filter"] = json!({ "amount": { "gt": "5" } });
    redefine(&tenant, &id, dear).await.data();
    let expected = [
        json!(["customer", null, ["spent"]]),
        json!(["land", null, ["spent"]]),
        json!(["town", null, ["best", "spent"]]),
    ];
    assert_eq!(rebuilt(&tenant, after, 3).await, expected);
    let totals = super::totals(&tenant).await;
    assert_eq!(
        totals,
        "North 7.00, South 30.00; Aire 7.00 best 7.00, Brest 30.00 best 30.00; Ada 0.00, Bea 7.00, Cal 30.00"
    );
}

/// What the feed tells of rollups after a number, once there are so many entries: all of them are of rollups computed anew.
async fn rebuilt(tenant: &Tenant, after: i64, count: usize) -> Vec<Value> {
    let of_rollups = async || {
        let (entries, _) = tenant.api_key.changes(after).await;
        let rollups = entries.into_iter().filter(|entry| entry["kind"] == "ROLLUP" || entry["kind"] == "REBUILT");
        rollups.collect::<Vec<_>>()
    };
    tests::until(30, "the rollups are computed", async || of_rollups().await.len() >= count).await;
    let entries = of_rollups().await;
    assert!(entries.iter().all(|entry| entry["kind"] == "REBUILT"), "{entries:?}");
    let mut reported: Vec<_> = entries.iter().map(summary).collect();
    reported.sort_by_key(Value::to_string);
    reported
}

#[tokio::test]
async fn subscribers_are_told_with_the_record() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let query = "subscription { townChanged(filter: { best: { lt: \"100\" } }) { kind id record { name spent } } }";
    let mut socket = subscribe(&tenant.api_key, query).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "6" })).await.data();
    let expected = json!({ "kind": "ROLLUP", "id": scene.aire, "record": { "name": "Aire", "spent": "13.00" } });
    assert_eq!(next(&mut socket).await["townChanged"], expected);
    // It matches no longer.
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "600" })).await.data();
    assert_eq!(next(&mut socket).await["townChanged"], json!({ "kind": "LEFT", "id": scene.aire, "record": null }));
}

#[tokio::test]
async fn a_rollup_that_a_role_hides_is_not_told_to_it() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    access::role(&tenant, access::hiding("clerk", "customer", "spent", &[])).await;
    let clerk = access::program(&app, &tenant, "clerk");
    let after = now(&tenant).await;
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "8" })).await.data();
    let (entries, _) = clerk.changes(after).await;
    let names: Vec<_> = entries.iter().flat_map(|entry| entry["fields"].as_array().expect("names").clone()).collect();
    assert_eq!(names, ["amount"], "nor what is made of it: {entries:?}");
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A connection with a subscription in place.
async fn subscribe(client: &Client, query: &str) -> Socket {
    let mut request = client.url("/graphql/ws").replace("http", "ws").into_client_request().expect("an address");
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a name"));
    let (mut socket, _) = connect_async(request).await.expect("a connection");
    let credential = json!({ "authorization": format!("Bearer {}", client.token()) });
    for message in [
        json!({ "type": "connection_init", "payload": credential }),
        json!({ "type": "subscribe", "id": "1", "payload": { "query": query } }),
        // Its answer says that the subscription before it was taken.
        json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ me { role } }" } }),
    ] {
        socket.send(Message::text(message.to_string())).await.expect("sent");
    }
    while message(&mut socket).await != json!({ "type": "complete", "id": "2" }) {}
    socket
}

/// What the subscription tells next.
async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = message(socket).await;
        if message["id"] == "1" {
            return message["payload"]["data"].clone();
        }
    }
}

async fn message(socket: &mut Socket) -> Value {
    let wait = tokio::time::timeout(Duration::from_secs(10), socket.next());
    let message = wait.await.expect("a message in time").expect("a message").expect("a connection");
    serde_json::from_str(message.to_text().expect("text")).unwrap_or(Value::Null)
}
