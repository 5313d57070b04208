//! Custom fields and objects: usable in the next request, at every endpoint, and in no other organisation.

use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};

use crate::world::{self, field};

const CREATE: &str = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id tier } }";

#[tokio::test]
async fn a_field_is_usable_in_the_very_next_request() {
    let app = TestApp::start().await;
    let (acme, other) = (app.tenant("acme"), app.tenant("other"));
    tier(&acme).await;

    let made = acme.data(CREATE, json!({ "data": { "firstName": "Ada", "tier": "gold" } })).await;
    assert_eq!(made["createCustomer"]["tier"], "gold");
    acme.create("customer", json!({ "firstName": "Bob", "tier": "silver" })).await;
    acme.create("customer", json!({ "firstName": "Cleo" })).await;

    let filtered = "{ customers(filter: { tier: { eq: \"gold\" } }) { nodes { firstName } } }";
    assert_eq!(names(&acme, filtered).await, ["Ada"]);
    let sorted = "{ customers(orderBy: [{ tier: ASC }]) { nodes { firstName } } }";
    assert_eq!(names(&acme, sorted).await, ["Cleo", "Ada", "Bob"], "null, then in the order of the options");
    let grouped = "{ customersAggregate(groupBy: [{ tier: VALUE }]) { groups { key { tier } count } } }";
    assert_eq!(acme.data(grouped, json!({})).await["customersAggregate"]["groups"].as_array().map(Vec::len), Some(3));

    let file = app.scratch("tiers.csv");
    std::fs::write(&file, "firstName,Fidélité\nDora,Or\n").expect("a file");
    let report =
        app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file.display().to_string()]).json();
    assert_eq!(report["created"], 1, "{report}");
    assert_eq!(names(&acme, filtered).await.len(), 2, "a label of an option is understood");

    assert_eq!(
        other.code(filtered, json!({})).await,
        "GRAPHQL_VALIDATION_FAILED",
        "another organisation has no such field"
    );
}

#[tokio::test]
async fn every_process_sees_a_field_at_its_next_request() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let beside = app.beside().await;
    let there = acme.api_key.at(&beside);
    there.data("{ customers { totalCount } }", json!({})).await;
    tier(&acme).await;
    there.data(CREATE, json!({ "data": { "firstName": "Ada", "tier": "gold" } })).await;
    assert_eq!(
        first_name(&acme.api_key, "{ customers(filter: { tier: { eq: \"gold\" } }) { nodes { firstName } } }").await,
        "Ada"
    );
}

#[tokio::test]
async fn an_object_of_their_own_is_like_any_other() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    world::vehicles(&acme).await;
    let rollup = json!({ "relation": "vehicles", "function": "SUM", "field": "price" });
    field(&acme, json!({ "object": "customer", "name": "fleetValue", "label": { "en": "Fleet" }, "type": "ROLLUP", "rollup": rollup })).await;
    let ada = acme.create("customer", json!({ "firstName": "Ada" })).await;
    for (name, price) in [("Clio", "9000.50"), ("Zoé", "12000.25")] {
        acme.create("vehicle", json!({ "name": name, "price": price, "colour": "red", "customer": ada })).await;
    }
    let query = "{ customers(filter: { vehicles: { some: { price: { gt: \"10000\" } } } }) {
        nodes { firstName fleetValue vehicles(orderBy: [{ price: DESC }]) { nodes { name price customer { firstName } } } } } }";
    let expected = json!([{ "firstName": "Ada", "fleetValue": "21000.75", "vehicles": { "nodes": [
        { "name": "Zoé", "price": "12000.25", "customer": { "firstName": "Ada" } },
        { "name": "Clio", "price": "9000.50", "customer": { "firstName": "Ada" } } ] } }]);
    assert_eq!(acme.data(query, json!({})).await["customers"]["nodes"], expected);
}

#[tokio::test]
async fn names_that_are_taken_or_reserved_are_refused() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    tier(&acme).await;
    let attempt = async |name: &str| {
        let query = "mutation ($input: CreateFieldInput!) { createField(input: $input) { name } }";
        let input = json!({ "object": "customer", "name": name, "label": { "en": "X" }, "type": "TEXT" });
        acme.code(query, json!({ "input": input })).await
    };
    for (name, code) in [("tier", "NAME_TAKEN"), ("email", "NAME_TAKEN"), ("id", "NAME_RESERVED")] {
        assert_eq!(attempt(name).await, code, "{name}");
    }
    for name in ["not a name", "__typename", "1st", ""] {
        let code = attempt(name).await;
        assert!(["VALIDATION_FAILED", "NAME_RESERVED", "BAD_REQUEST"].contains(&code.as_str()), "{name:?}: {code}");
    }
}

async fn tier(tenant: &Tenant) {
    let options = json!([
        { "value": "gold", "label": { "en": "Gold", "fr": "Or" } },
        { "value": "silver", "label": { "en": "Silver", "fr": "Argent" } },
    ]);
    let label = json!({ "en": "Loyalty tier", "fr": "Fidélité" });
    let made = field(
        tenant,
        json!({ "object": "customer", "name": "tier", "label": label, "type": "SELECT", "options": options }),
    )
    .await;
    assert!(["ACTIVE", "BUILDING"].contains(&made["state"].as_str().unwrap_or_default()), "{made}");
}

async fn names(tenant: &Tenant, query: &str) -> Vec<String> {
    let data = tenant.data(query, json!({})).await;
    let nodes = data["customers"]["nodes"].as_array().expect("nodes").iter();
    nodes.filter_map(|node| node["firstName"].as_str().map(str::to_owned)).collect()
}

async fn first_name(client: &Client, query: &str) -> Value {
    client.data(query, json!({})).await["customers"]["nodes"][0]["firstName"].clone()
}

#[tokio::test]
async fn a_rollup_is_defined_anew() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    world::vehicles(&acme).await;
    let ada = acme.create("customer", json!({ "firstName": "Ada" })).await;
    for (price, colour) in [("9000", "red"), ("100.50", "blue")] {
        acme.create("vehicle", json!({ "name": "V", "price": price, "colour": colour, "customer": ada })).await;
    }
    let rollup = json!({ "relation": "vehicles", "function": "COUNT" });
    let input =
        json!({ "object": "customer", "name": "fleet", "label": { "en": "F" }, "type": "ROLLUP", "rollup": rollup });
    let id = field(&acme, input).await["id"].clone();
    let fleet = "{ customers { nodes { fleet } } }";
    assert_eq!(acme.data(fleet, json!({})).await["customers"]["nodes"][0]["fleet"], 2);

    let update = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) {
        state rollup { function field filter } } }";
    let filter = json!({ "colour": { "in": ["red", "blue"] }, "price": { "gt": "50.00" } });
    let wanted = json!({ "relation": "vehicles", "function": "SUM", "field": "price", "filter": filter });
    let made = acme.data(update, json!({ "id": id, "input": { "rollup": wanted } })).await["updateField"].clone();
    assert_eq!(made["rollup"], json!({ "function": "SUM", "field": "price", "filter": filter }));
    assert_eq!(acme.data(fleet, json!({})).await["customers"]["nodes"][0]["fleet"], "9100.50");
    let wrong = json!({ "relation": "vehicles", "function": "SUM", "field": "colour" });
    assert_eq!(acme.code(update, json!({ "id": id, "input": { "rollup": wrong } })).await, "VALIDATION_FAILED");
}
