//! What was changed: history, feed, bulk changes, undo, idempotency.

use serde_json::{Value as Json, json};
use tenants::testing;

use super::World;
use crate::graphql::Request;

#[tokio::test]
async fn history_and_feed_tell_changes() {
    let world = World::new().await;
    let id = world.data(r#"mutation { createCustomer(data: { companyName: "A", city: "Alger" }) { id } }"#).await
        ["createCustomer"]["id"]
        .clone();
    let data = world
        .data_with(
            r#"mutation($id: ID!) { updateCustomer(id: $id, data: { city: "Oran" }) { history(first: 20) { nodes { at actor { kind name } origin kind changes { field from to } } pageInfo { hasNextPage } } } }"#,
            json!({ "id": id }),
        )
        .await;
    let nodes = &data["updateCustomer"]["history"]["nodes"];
    assert_eq!(nodes[0]["kind"], "UPDATED", "{nodes}");
    assert!(
        nodes[0]["changes"].as_array().unwrap().contains(&json!({ "field": "city", "from": "Alger", "to": "Oran" }))
    );
    let feed = world
        .data(r#"{ changes(objects: ["customer"]) { nodes { kind record object fields } lastSeq hasMore } }"#)
        .await;
    assert_eq!(feed["changes"]["nodes"][1]["record"], id);
    assert_eq!(feed["changes"]["hasMore"], false);
}

#[tokio::test]
async fn a_list_tells_the_history_of_each_record() {
    let world = World::new().await;
    let made = world
        .data(r#"mutation { createCustomers(data: [{ companyName: "A" }, { companyName: "B" }, { companyName: "C" }]) { id } }"#)
        .await;
    let id = &made["createCustomers"][1]["id"];
    for city in ["Alger", "Oran"] {
        let update = "mutation($id: ID!, $city: String) { updateCustomer(id: $id, data: { city: $city }) { id } }";
        world.data_with(update, json!({ "id": id, "city": city })).await;
    }
    let list =
        "query($after: String) { customers(orderBy: [{ name: ASC }]) { nodes { id history(first: 2, after: $after) {
        nodes { kind actor { kind } changes { from to } } pageInfo { hasNextPage endCursor } } } } }";
    let alone = "query($id: ID!, $after: String) { customer(id: $id) { id history(first: 2, after: $after) {
        nodes { kind actor { kind } changes { from to } } pageInfo { hasNextPage endCursor } } } }";
    let page = world.data_with(list, json!({})).await["customers"]["nodes"].clone();
    assert_eq!(page[1]["history"]["nodes"][0]["changes"][0], json!({ "from": "Alger", "to": "Oran" }));
    let more: Vec<_> = (0..3).map(|at| &page[at]["history"]["pageInfo"]["hasNextPage"]).collect();
    assert_eq!(more, [false, true, false]);
    let after = &page[1]["history"]["pageInfo"]["endCursor"];
    let next = world.data_with(list, json!({ "after": after })).await["customers"]["nodes"].clone();
    assert_eq!(next[1]["history"]["nodes"][0]["kind"], "CREATED");
    for (pages, after) in [(&page, &Json::Null), (&next, after)] {
        for one in pages.as_array().unwrap() {
            let found = world.data_with(alone, json!({ "id": one["id"], "after": after })).await;
            assert_eq!(found["customer"], *one);
        }
    }
    let refused =
        world.ask("{ customers(first: 200) { nodes { history(first: 200) { nodes { kind } } } } }", json!({})).await;
    assert_eq!(refused["refused"][0]["extensions"]["code"], "COST_EXCEEDED", "every entry has its price");
}

#[tokio::test]
async fn many_are_changed_and_undone() {
    let world = World::new().await;
    world.data(r#"mutation { createCustomers(data: [{ companyName: "A", city: "X" }, { companyName: "B", city: "X" }]) { id } }"#).await;
    let empty = world.ask(r#"mutation { deleteCustomers(filter: {}) { matched } }"#, json!({})).await;
    assert_eq!(empty["errors"][0]["extensions"]["code"], "EMPTY_FILTER");
    let done = world
        .data(r#"mutation { updateCustomers(filter: { city: { eq: "x" } }, data: { city: "Y" }) { runId status matched changed failed } }"#)
        .await;
    assert_eq!(done["updateCustomers"]["changed"], 2);
    let run = &done["updateCustomers"]["runId"];
    let undone =
        world.data_with("mutation($id: ID!) { undoRun(id: $id) { undone skipped } }", json!({ "id": run })).await;
    assert_eq!(undone["undoRun"]["undone"], 2);
    let run = world
        .data_with(
            "query($id: ID!) { run(id: $id) { kind status createdBy { kind } } runs { id } }",
            json!({ "id": run }),
        )
        .await;
    assert_eq!(run["run"]["kind"], "UPDATE");
}

#[tokio::test]
async fn a_repeated_key_answers_the_same() {
    let world = World::new().await;
    let ask = async |query: &str| {
        let request = Request { query: query.to_owned(), idempotency: Some("k".to_owned()), ..Request::default() };
        let answer = world.endpoint.respond(testing::caller(&world.db), world.db.clone(), &request, true).await;
        answer.map(|answer| serde_json::from_slice::<Json>(&answer.body).unwrap())
    };
    let document = r#"mutation { createCustomer(data: { companyName: "A" }) { id } }"#;
    let (first, again) = (ask(document).await.unwrap(), ask(document).await.unwrap());
    assert_eq!(first, again);
    assert_eq!(world.data("{ customers { totalCount } }").await["customers"]["totalCount"], 1);
    let other = ask(r#"mutation { createCustomer(data: { companyName: "B" }) { id } }"#).await;
    assert_eq!(other.err().unwrap().errors[0].extensions["code"], "IDEMPOTENCY_MISMATCH");
}
