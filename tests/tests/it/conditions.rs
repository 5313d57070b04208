//! Fields that are required, or shown, only if a record matches: reported to forms, and enforced at every endpoint.

use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp};

use crate::world::field;

const CREATE: &str = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
const UPDATE: &str =
    "mutation ($id: ID!, $data: CustomerUpdateInput!) { updateCustomer(id: $id, data: $data) { id siret } }";
const UPDATE_FIELD: &str = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) {
    name validation { min requiredWhen visibleWhen } } }";

/// A company number that French companies need and only companies have.
async fn siret(tenant: &Tenant) -> (Value, Value) {
    let plan = json!({ "object": "customer", "name": "plan", "label": { "en": "Plan" }, "type": "TEXT" });
    let plan = field(tenant, plan).await["id"].clone();
    let validation = json!({
        "min": 3,
        "requiredWhen": { "plan": { "eq": "pro" }, "tags": { "hasNone": ["exempt"] } },
        "visibleWhen": { "or": [{ "kind": { "eq": "company" } }, { "plan": { "startsWith": "pr" } }] },
    });
    let input = json!({ "object": "customer", "name": "siret", "label": { "en": "S" }, "type": "TEXT", "validation": validation });
    (field(tenant, input).await["id"].clone(), plan)
}

/// The errors by field.
fn complaints(answer: &Answer) -> Value {
    assert_eq!(answer.code(), "VALIDATION_FAILED");
    let fields = answer.body["errors"][0]["extensions"]["fields"].as_array().expect("fields");
    fields.iter().map(|issue| json!([issue["field"], issue["code"]])).collect()
}

#[tokio::test]
async fn a_value_is_needed_where_the_record_matches() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    siret(&acme).await;
    let missing = json!([["siret", "REQUIRED"]]);

    let refused = acme.graphql(CREATE, json!({ "data": { "firstName": "Ada", "plan": "Pro" } })).await;
    assert_eq!(complaints(&refused), missing, "texts are compared as in any filter");
    acme.create("customer", json!({ "firstName": "Ada", "plan": "pro", "tags": ["exempt"] })).await;
    let bob = acme.create("customer", json!({ "firstName": "Bob", "plan": "free", "externalId": "bob" })).await;

    let update = async |data: Value| acme.graphql(UPDATE, json!({ "id": bob, "data": data })).await;
    assert_eq!(complaints(&update(json!({ "plan": "pro" })).await), missing);
    assert_eq!(update(json!({ "plan": "pro", "siret": "123" })).await.data()["updateCustomer"]["siret"], "123");
    assert_eq!(complaints(&update(json!({ "siret": null })).await), missing);
    update(json!({ "city": "Oran" })).await.data();
    update(json!({ "siret": null, "tags": ["exempt"] })).await.data();
    assert_eq!(complaints(&update(json!({ "tags": [] })).await), missing);

    let upsert =
        "mutation ($data: [CustomerCreateInput!]!) { createCustomers(data: $data, upsertOn: [externalId]) { id } }";
    let rows = json!([{ "externalId": "bob", "tags": ["vip"] }]);
    assert_eq!(complaints(&acme.graphql(upsert, json!({ "data": rows })).await), missing);

    let file = app.scratch("customers.csv");
    std::fs::write(&file, "externalId,firstName,plan,siret\nbob,Bob,pro,\nnew,N,pro,\nfine,F,pro,456\nfree,G,,\n")
        .expect("a file");
    let file = file.display().to_string();
    let import = ["import", "--tenant", "acme", "--object", "customer", "--file", &file];
    let report = app.cli(&[&import[..], &["--on-duplicate", "update"]].concat()).json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(2), &json!(1)), "bob is exempt: {report}");
}

#[tokio::test]
async fn forms_are_told_and_names_are_those_of_today() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let (_, plan) = siret(&acme).await;
    acme.data(UPDATE_FIELD, json!({ "id": plan, "input": { "name": "contract" } })).await;
    let reported = acme
        .data(
            "{ object(name: \"customer\") { fields { name validation { min requiredWhen visibleWhen } } } }",
            json!({}),
        )
        .await;
    let fields = reported["object"]["fields"].as_array().expect("fields").clone();
    let siret = fields.iter().find(|field| field["name"] == "siret").expect("siret");
    let expected = json!({
        "min": "3",
        "requiredWhen": { "contract": { "eq": "pro" }, "tags": { "hasNone": ["exempt"] } },
        "visibleWhen": { "or": [{ "kind": { "eq": "company" } }, { "contract": { "startsWith": "pr" } }] },
    });
    assert_eq!(siret["validation"], expected);
}

#[tokio::test]
async fn what_a_condition_looks_at_stays() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let (siret, plan) = siret(&acme).await;
    let delete = "mutation ($id: ID!) { deleteField(id: $id, preview: true) { records fields } }";
    let refused = acme.graphql(delete, json!({ "id": plan })).await;
    assert_eq!(refused.code(), "CONFLICT");
    assert_eq!(refused.body["errors"][0]["extensions"]["fields"], json!(["customer.siret"]));
    let retype = json!({ "id": plan, "input": { "type": "INTEGER" } });
    assert_eq!(acme.code(UPDATE_FIELD, retype).await, "CONFLICT");
    for (condition, code) in [
        (json!({ "siret": { "eq": "1" } }), "VALIDATION_FAILED"),
        (json!({ "interactionsCount": { "gt": 1 } }), "VALIDATION_FAILED"),
        (json!({ "createdAt": { "lastDays": 3 } }), "VALIDATION_FAILED"),
        (json!({ "interactions": { "some": {} } }), "VALIDATION_FAILED"),
        (json!({ "nothing": { "eq": 1 } }), "BAD_FILTER"),
    ] {
        let input = json!({ "validation": { "requiredWhen": condition } });
        assert_eq!(acme.code(UPDATE_FIELD, json!({ "id": siret, "input": input })).await, code, "{condition}");
    }
    let none = json!({ "id": siret, "input": { "validation": {} } });
    acme.data(UPDATE_FIELD, none).await;
    acme.data(CREATE, json!({ "data": { "firstName": "Ada", "plan": "pro" } })).await;
    acme.data(delete, json!({ "id": plan })).await;
}

#[tokio::test]
async fn what_rules_write_is_looked_at_too() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let named = json!({ "requiredWhen": { "name": { "startsWith": "Zed" } } });
    field(&acme, json!({ "object": "customer", "name": "why", "type": "TEXT", "validation": named })).await;
    let id = acme.create("customer", json!({ "firstName": "Ada", "lastName": "Lovelace" })).await;
    let update = async |data: Value| {
        let query =
            "mutation ($id: ID!, $data: CustomerUpdateInput!) { updateCustomer(id: $id, data: $data) { name } }";
        acme.graphql(query, json!({ "id": id, "data": data })).await
    };
    let missing = json!([["why", "REQUIRED"]]);
    assert_eq!(complaints(&update(json!({ "firstName": "Zed" })).await), missing, "the name is made of it");
    assert_eq!(
        update(json!({ "firstName": "Zed", "why": "w" })).await.data()["updateCustomer"]["name"],
        "Zed Lovelace"
    );
}
