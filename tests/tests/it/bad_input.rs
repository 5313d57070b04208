//! Bad input gets an error code, the place and what to do.

use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp};

use crate::world::{self, field};

#[tokio::test]
async fn wrong_documents_say_what_is_wrong_and_where() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    for (query, word) in [
        ("{ customers(filter: { nickname: { eq: \"x\" } }) { totalCount } }", "nickname"),
        ("{ customers(filter: { city: { eq: 5 } }) { totalCount } }", "city"),
        ("{ customers(filter: { or: [{ version: { eq: \"x\" } }] }) { totalCount } }", "filter.or.0.version.eq"),
        ("{ customers { nodes { nickname } } }", "nickname"),
        ("{ customers(orderBy: [{ nickname: ASC }]) { totalCount } }", "nickname"),
    ] {
        let answer = acme.graphql(query, json!({})).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{query}");
        assert!(answer.text.contains(word), "{}", answer.text);
        assert!(answer.body["errors"][0]["locations"][0]["line"].is_number(), "{}", answer.text);
    }
    let answer = acme.graphql("{ customers(", json!({})).await;
    assert_eq!(answer.code(), "GRAPHQL_PARSE_FAILED");
    let variables =
        acme.graphql("query ($n: Int!) { customers(first: $n) { totalCount } }", json!({ "n": "many" })).await;
    assert!(["BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"].contains(&variables.code().as_str()), "{}", variables.text);
}

#[tokio::test]
async fn wrong_values_name_their_field() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let query = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
    for (data, name, code) in [
        (json!({ "firstName": "X", "email": "not an address" }), "email", "WRONG_TYPE"),
        (json!({ "firstName": "X", "birthDate": "1990-02-30" }), "birthDate", "WRONG_TYPE"),
        (json!({ "firstName": "x".repeat(5_000) }), "firstName", "TOO_LARGE"),
        (
            json!({ "firstName": "X", "organisation": "0190a000-0000-7000-8000-000000000000" }),
            "organisation",
            "NO_SUCH_RECORD",
        ),
    ] {
        let answer = acme.graphql(query, json!({ "data": data })).await;
        let reported = &answer.body["errors"][0]["extensions"]["fields"][0];
        assert_eq!(
            (reported["field"].as_str(), reported["code"].as_str()),
            (Some(name), Some(code)),
            "{}",
            answer.text
        );
        assert!(!reported["message"].as_str().unwrap_or_default().is_empty());
    }
}

#[tokio::test]
async fn changes_of_the_catalog_that_would_harm_are_refused() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let options =
        json!([{ "value": "gold", "label": { "en": "Gold" } }, { "value": "silver", "label": { "en": "Silver" } }]);
    let tier = field(&acme, json!({ "object": "customer", "name": "tier", "label": { "en": "Tier" }, "type": "SELECT", "options": options })).await;
    acme.create("customer", json!({ "firstName": "X", "tier": "gold" })).await;

    let create = "mutation ($input: CreateFieldInput!) { createField(input: $input) { name } }";
    let required =
        json!({ "object": "customer", "name": "badge", "label": { "en": "Badge" }, "type": "TEXT", "required": true });
    let answer = acme.graphql(create, json!({ "input": required })).await;
    refused(&answer, "VALIDATION_FAILED", &["default"]);

    let update = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) { name } }";
    let without = json!({ "options": [{ "value": "silver", "label": { "en": "Silver" } }] });
    refused(&acme.graphql(update, json!({ "id": tier["id"], "input": without })).await, "OPTION_IN_USE", &["gold"]);
}

#[tokio::test]
async fn bulk_changes_without_a_condition_must_be_meant() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    acme.create("customer", json!({ "firstName": "X" })).await;
    let change = |filter: &str| {
        format!("mutation {{ updateCustomers(filter: {filter}, data: {{ city: \"Oran\" }}) {{ matched changed }} }}")
    };
    refused(&acme.graphql(&change("{}"), json!({})).await, "EMPTY_FILTER", &["all"]);
    refused(&acme.graphql(&change("{ and: [] }"), json!({})).await, "EMPTY_FILTER", &["all"]);
    let meant = "mutation { updateCustomers(filter: {}, data: { city: \"Oran\" }, all: true) { matched changed } }";
    assert_eq!(acme.data(meant, json!({})).await["updateCustomers"], json!({ "matched": 1, "changed": 1 }));
}

#[tokio::test]
async fn cursors_belong_to_their_list() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    for name in ["A", "B", "C"] {
        acme.create("customer", json!({ "firstName": name })).await;
    }
    let page =
        acme.data("{ customers(first: 1, orderBy: [{ name: ASC }]) { pageInfo { endCursor } } }", json!({})).await;
    let cursor = page["customers"]["pageInfo"]["endCursor"].clone();
    for other in ["orderBy: [{ name: DESC }]", "orderBy: [{ name: ASC }], filter: { city: { eq: \"x\" } }"] {
        let query = format!("query ($after: String) {{ customers(after: $after, {other}) {{ nodes {{ id }} }} }}");
        assert_eq!(acme.code(&query, json!({ "after": cursor })).await, "BAD_CURSOR", "{other}");
    }
    let query = "query ($after: String) { customers(after: $after) { nodes { id } } }";
    for broken in ["", "nonsense", "AAAA", "🙂"] {
        assert_eq!(acme.code(query, json!({ "after": broken })).await, "BAD_CURSOR", "{broken:?}");
    }
    assert_eq!(acme.code("{ customers(first: 201) { nodes { id } } }", json!({})).await, "BAD_REQUEST");
}

#[tokio::test]
async fn missing_records_are_null_to_queries_and_not_found_to_mutations() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    world::vehicles(&acme).await;
    let id = json!({ "id": "0190a000-0000-7000-8000-000000000000" });
    for object in ["customer", "vehicle", "interaction"] {
        let query = format!("query ($id: ID!) {{ {object}(id: $id) {{ id }} }}");
        assert_eq!(acme.data(&query, id.clone()).await[object], Value::Null);
        let title = object[..1].to_uppercase() + &object[1..];
        for verb in ["delete", "restore"] {
            let mutation = format!("mutation ($id: ID!) {{ {verb}{title}(id: $id) {{ id }} }}");
            assert_eq!(acme.code(&mutation, id.clone()).await, "NOT_FOUND", "{mutation}");
        }
    }
    let broken = acme.graphql("{ customer(id: \"not an id\") { id } }", json!({})).await;
    assert!(broken.body["data"]["customer"].is_null());
}

#[tokio::test]
async fn a_stale_version_is_a_conflict() {
    let app = TestApp::start().await;
    let acme: Tenant = app.tenant("acme");
    let id = acme.create("customer", json!({ "firstName": "X" })).await;
    let update = "mutation ($id: ID!, $version: Int) { updateCustomer(id: $id, data: { city: \"Oran\" }, version: $version) { version } }";
    acme.data(update, json!({ "id": id, "version": 1 })).await;
    assert_eq!(acme.code(update, json!({ "id": id, "version": 1 })).await, "CONFLICT");
}

fn refused(answer: &Answer, code: &str, words: &[&str]) {
    assert_eq!(answer.code(), code, "{}", answer.text);
    let message = answer.body["errors"][0].to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}
