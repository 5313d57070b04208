//! Changing the type of fields over GraphQL: refused if values would be lost, done while the field is in use.

use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp};

use crate::world;

const UPDATE: &str = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) {
    type state changingTo scale required unique failure } }";

async fn update(tenant: &Tenant, id: &Value, input: Value) -> Answer {
    tenant.graphql(UPDATE, json!({ "id": id, "input": input })).await
}

async fn text_field(tenant: &Tenant, name: &str) -> Value {
    let input = json!({ "object": "customer", "name": name, "label": { "en": name }, "type": "TEXT" });
    world::field(tenant, input).await["id"].clone()
}

/// Whether a field has this state and type.
fn is(data: &Value, name: &str, state: &str, kind: &str) -> bool {
    let fields = data["object"]["fields"].as_array().expect("fields");
    fields.iter().any(|field| field["name"] == name && field["state"] == state && field["type"] == kind)
}

/// Waits until the fields and the number of customers are as expected.
async fn until(tenant: &Tenant, what: &str, so: impl Fn(&Value) -> bool) {
    let query = "{ customers { totalCount } object(name: \"customer\") { fields { name state type failure } } }";
    tests::until(120, what, async || so(&tenant.data(query, json!({})).await)).await;
}

#[tokio::test]
async fn a_change_that_takes_values_away_is_told_first() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let id = text_field(&acme, "seats").await;
    let ada = acme.create("customer", json!({ "firstName": "Ada", "seats": "4" })).await;
    let bob = acme.create("customer", json!({ "firstName": "Bob", "seats": "some" })).await;

    let refused = update(&acme, &id, json!({ "type": "INTEGER" })).await;
    assert_eq!(refused.code(), "WOULD_LOSE_VALUES");
    let reported = &refused.body["errors"][0]["extensions"];
    assert_eq!((&reported["records"], &reported["examples"]), (&json!(1), &json!([bob])), "{reported}");

    let done =
        update(&acme, &id, json!({ "type": "INTEGER", "dropUnconvertible": true, "validation": { "min": 1 } })).await;
    assert_eq!(done.data()["updateField"]["type"], "INTEGER");
    let query = "{ customers(filter: { seats: { gte: 3 } }, orderBy: [{ seats: DESC }]) { nodes { id seats } }
        customersAggregate { sum { seats } } }";
    let found = acme.data(query, json!({})).await;
    assert_eq!(found["customers"]["nodes"], json!([{ "id": ada, "seats": 4 }]), "a number in the very next request");

    let input = json!({ "input": { "seats": 5 }, "id": ada });
    let write = "mutation ($id: ID!, $input: CustomerUpdateInput!) { updateCustomer(id: $id, data: $input) { seats } }";
    assert_eq!(acme.data(write, input).await["updateCustomer"]["seats"], 5);
    let back = update(&acme, &id, json!({ "type": "TEXT", "validation": {} })).await;
    assert_eq!(back.data()["updateField"]["type"], "TEXT");
    let history =
        "query ($id: ID!) { customer(id: $id) { seats history(first: 5) { nodes { changes { field from to } } } } }";
    let ada = acme.data(history, json!({ "id": ada })).await["customer"].clone();
    assert_eq!(ada["seats"], "5");
    assert_eq!(ada["history"]["nodes"][0]["changes"], json!([{ "field": "seats", "from": 4, "to": 5 }]));
}

#[tokio::test]
async fn what_does_not_convert_says_why() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    world::vehicles(&acme).await;
    let data = acme.data("{ object(name: \"vehicle\") { fields { id name } } }", json!({})).await;
    let fields = data["object"]["fields"].as_array().expect("fields").clone();
    let id = |name: &str| fields.iter().find(|field| field["name"] == name).expect("the field")["id"].clone();
    for (field, input) in [
        ("customer", json!({ "type": "TEXT" })),
        ("price", json!({ "type": "AUTO_NUMBER" })),
        ("price", json!({ "type": "SELECT" })),
        ("price", json!({ "scale": 12 })),
        ("colour", json!({ "type": "SELECT", "options": [] })),
    ] {
        assert_eq!(update(&acme, &id(field), input.clone()).await.code(), "VALIDATION_FAILED", "{field} {input}");
    }
    let finer = update(&acme, &id("price"), json!({ "scale": 4 })).await.data();
    assert_eq!((&finer["updateField"]["type"], &finer["updateField"]["scale"]), (&json!("DECIMAL"), &json!(4)));
    let several = update(&acme, &id("colour"), json!({ "type": "MULTI_SELECT" })).await.data();
    assert_eq!(several["updateField"]["type"], "MULTI_SELECT");
    acme.create("vehicle", json!({ "name": "Clio", "price": "1.2345", "colour": ["red", "blue"] })).await;
}

#[tokio::test]
async fn many_rows_change_their_type_through_a_crash_while_others_write() {
    const ROWS: i64 = 6_000;
    let mut app = TestApp::spawn().await;
    let acme = app.tenant("acme");
    let id = text_field(&acme, "grade").await;
    let rows: String = (0..ROWS).map(|row| format!("{row},Person {row},{}\n", row % 100)).collect();
    let upload = acme.api_key.request(reqwest::Method::POST, "/api/imports?object=customer");
    let upload = upload.header("content-type", "text/csv").body(format!("externalId,firstName,grade\n{rows}"));
    let imported = Answer::of(upload).await;
    assert_eq!(imported.status, 202, "{}", imported.text);
    until(&acme, "all rows are there", |data| data["customers"]["totalCount"] == ROWS).await;

    let begun =
        update(&acme, &id, json!({ "type": "DECIMAL", "scale": 1, "required": true, "default": "0" })).await.data();
    let begun = &begun["updateField"];
    assert_eq!(
        (&begun["type"], &begun["state"], &begun["changingTo"]),
        (&json!("TEXT"), &json!("BUILDING"), &json!("DECIMAL"))
    );
    // it is whatever the schema says at the time: a text, or already a number that is written as one
    let writes = (0..40).map(|row| {
        let write =
            "mutation ($data: [CustomerCreateInput!]!) { createCustomers(data: $data, upsertOn: [externalId]) { id } }";
        acme.graphql(write, json!({ "data": [{ "externalId": row.to_string(), "grade": "777" }] }))
    });
    for answer in futures::future::join_all(writes).await {
        answer.data();
    }
    app.server().kill();
    app.server().launch().await;
    until(&acme, "the type is changed", |data| is(data, "grade", "ACTIVE", "DECIMAL")).await;
    let query = "{ written: customersAggregate(filter: { grade: { eq: \"777\" } }) { count }
        all: customersAggregate { count sum { grade } } }";
    let totals = acme.data(query, json!({})).await;
    // 0 to 99 again and again, but 40 of the first rows are 777
    let sum = ROWS / 100 * 4_950 - (0..40).sum::<i64>() + 40 * 777;
    assert_eq!(totals["written"]["count"], 40);
    assert_eq!((&totals["all"]["count"], &totals["all"]["sum"]["grade"]), (&json!(ROWS), &json!(format!("{sum}.0"))));
}
