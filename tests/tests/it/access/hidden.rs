//! What a role hides cannot be found out, directly or indirectly.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp};

use super::{program, role};
use crate::world;

/// The price that only the administrator may know, as it is written and as it is stored.
const SECRET: &str = "4242.42";

/// An organisation with vehicles whose prices are hidden from the role `clerk`, and a member with that role.
async fn world(app: &TestApp) -> (Tenant, Client, String) {
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let rollup = json!({ "relation": "vehicles", "function": "SUM", "field": "price" });
    world::field(&tenant, json!({ "object": "customer", "name": "fleet", "type": "ROLLUP", "rollup": rollup })).await;
    let dear = json!({ "relation": "vehicles", "function": "COUNT", "filter": { "price": { "gt": "1000" } } });
    world::field(&tenant, json!({ "object": "customer", "name": "dear", "type": "ROLLUP", "rollup": dear })).await;
    let note = json!({ "object": "vehicle", "name": "note", "type": "TEXT",
        "validation": { "requiredWhen": { "price": { "gt": "1000" } } } });
    world::field(&tenant, note).await;
    let customer = tenant.create("customer", json!({ "name": "Ada" })).await;
    let secret = json!({ "name": "Rare", "price": SECRET, "customer": customer, "note": "n" });
    let vehicle = tenant.create("vehicle", secret).await;
    let change = "mutation ($id: ID!) { updateVehicle(id: $id, data: { price: \"4243.42\" }) { id } }";
    tenant.data(change, json!({ "id": vehicle })).await;
    let back = "mutation ($id: ID!) { updateVehicle(id: $id, data: { price: \"4242.42\" }) { id } }";
    tenant.data(back, json!({ "id": vehicle })).await;
    let all = json!({ "create": "ALL", "read": "ALL", "update": "ALL", "delete": "ALL", "restore": "ALL",
        "destroy": "ALL", "import": "ALL", "export": "ALL" });
    let mut vehicles = all.clone();
    vehicles["object"] = json!("vehicle");
    vehicles["fields"] = json!([{ "field": "price", "access": "HIDDEN" }]);
    let clerk = json!({ "name": "clerk", "permissions": ["CONFIGURE_CATALOG"], "others": all, "objects": [vehicles] });
    role(&tenant, clerk).await;
    let clerk = program(app, &tenant, "clerk");
    (tenant, clerk, vehicle)
}

/// Ways to ask for it. Each is refused as a whole, or in the part that asks for it.
const WAYS: &[&str] = &[
    // to have it shown
    "{ vehicles { nodes { price } } }",
    "{ vehicles { nodes { name ... on Vehicle { hidden: price } } } }",
    "query { vehicle(id: $id) { price } }",
    "{ customers { nodes { vehicles { nodes { price } } } } }",
    "{ customers { nodes { fleet } } }",
    "{ customers { nodes { dear } } }",
    // to halve the range until one value is left
    "{ vehicles(filter: { price: { gte: \"4000\" } }) { totalCount } }",
    "{ vehicles(filter: { not: { price: { lt: \"4000\" } } }) { totalCount } }",
    "{ vehicles(filter: { or: [{ name: { eq: \"x\" } }, { price: { isNull: false } }] }) { totalCount } }",
    "{ customers(filter: { vehicles: { some: { price: { gte: \"4000\" } } } }) { totalCount } }",
    "{ customers(filter: { vehicles: { every: { price: { gte: \"4000\" } } } }) { totalCount } }",
    "{ customers(filter: { fleet: { gte: \"4000\" } }) { totalCount } }",
    "{ customers { nodes { vehicles(filter: { price: { gte: \"4000\" } }) { totalCount } } } }",
    "{ vehiclesAggregate(filter: { price: { gte: \"4000\" } }) { count } }",
    // to have records put in its order
    "{ vehicles(orderBy: [{ price: DESC }]) { nodes { id } } }",
    "{ customers(orderBy: [{ fleet: DESC }]) { nodes { id } } }",
    "{ customers { nodes { vehicles(orderBy: [{ price: ASC }]) { nodes { id } } } } }",
    // to have it counted or added up
    "{ vehiclesAggregate { sum { price } } }",
    "{ vehiclesAggregate { max { price } } }",
    "{ vehiclesAggregate(groupBy: [{ price: VALUE }]) { groups { count } } }",
    "{ vehiclesAggregate(groupBy: [{ colour: VALUE }], orderBy: [{ by: MAX, field: \"price\", direction: DESC }]) { groups { count } } }",
    "{ customersAggregate { sum { fleet } } }",
    // to learn it from what a write says or does
    "mutation { createVehicle(data: { name: \"x\" }) { price } }",
    "mutation { createVehicle(data: { name: \"x\", price: \"1\" }) { id } }",
    "mutation { updateVehicle(id: $id, data: { name: \"Rare\" }) { price } }",
    "mutation { updateVehicle(id: $id, data: { price: \"1\" }) { id } }",
    "mutation { updateVehicles(filter: { price: { gte: \"4000\" } }, data: { colour: \"red\" }) { matched } }",
    "mutation { updateVehicles(filter: { name: { eq: \"Rare\" } }, data: { price: \"1\" }) { matched } }",
    "mutation { deleteVehicles(filter: { price: { gte: \"4000\" } }) { matched } }",
    // to learn it by the catalog
    "mutation { updateField(id: $price, input: { type: INTEGER }) { id } }",
    "mutation { deleteField(id: $price, preview: true) { __typename } }",
];

#[tokio::test]
async fn a_hidden_field_is_not_learned_by_any_document() {
    let app = TestApp::start().await;
    let (tenant, clerk, vehicle) = world(&app).await;
    let price = tenant.data("{ object(name: \"vehicle\") { fields { id name } } }", json!({})).await;
    let price = price["object"]["fields"].as_array().unwrap().iter().find(|field| field["name"] == "price").unwrap();
    let before = snapshot(&tenant).await;
    let mut reported = Vec::new();
    for way in WAYS {
        let document = way.replace("$id", &format!("\"{vehicle}\"")).replace("$price", &price["id"].to_string());
        let answer = clerk.graphql(&document, json!({})).await;
        if answer.text.contains("4242") || !refused(&answer) {
            reported.push(format!("{document}\n   {:.300}", answer.text));
        }
    }
    assert!(reported.is_empty(), "{} ways:\n{}", reported.len(), reported.join("\n"));
    assert_eq!(snapshot(&tenant).await, before, "nor was anything written on the way");
}

fn refused(answer: &Answer) -> bool {
    let errors = answer.body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let code = |error: &Value| {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let field = error["extensions"]["fields"][0]["code"].as_str().unwrap_or_default();
        code == "FORBIDDEN" || field == "FORBIDDEN"
    };
    !errors.is_empty() && errors.iter().all(code)
}

async fn snapshot(tenant: &Tenant) -> Value {
    tenant
        .data(
            "{ vehicles { nodes { id name price colour version } } objects { name fields { name type } } }",
            json!({}),
        )
        .await
}

#[tokio::test]
async fn what_happened_to_a_hidden_field_is_not_told() {
    let app = TestApp::start().await;
    let (tenant, clerk, vehicle) = world(&app).await;
    let history = "query ($id: ID!) { vehicle(id: $id) { history { nodes { kind changes { field from to } } } } }";
    let reported = clerk.graphql(history, json!({ "id": vehicle })).await;
    assert!(
        reported.text.contains("UPDATED") && !reported.text.contains("price") && !reported.text.contains("4243"),
        "{}",
        reported.text
    );
    let shown = tenant.graphql(history, json!({ "id": vehicle })).await;
    assert!(shown.text.contains("4243.42"), "who sees the field sees its history: {}", shown.text);
    let feed = "{ changes(objects: [\"vehicle\"]) { nodes { kind fields } } }";
    let reported = clerk.graphql(feed, json!({})).await;
    assert!(reported.text.contains("UPDATED") && !reported.text.contains("price"), "{}", reported.text);
}

#[tokio::test]
async fn a_file_does_not_fill_or_match_a_hidden_field() {
    let app = TestApp::start().await;
    let (tenant, clerk, _) = world(&app).await;
    let upload = async |query: &str, csv: &'static str| {
        let request = clerk.request(Method::POST, &format!("/api/imports{query}")).body(csv);
        Answer::of(request).await
    };
    let filled = upload("?object=vehicle", "name,price\nRare,1\n").await;
    assert_eq!((filled.status, filled.code().as_str()), (403, "FORBIDDEN"), "{}", filled.text);
    let matched = upload("?object=vehicle&match=price&onDuplicate=update", "name,price\nFound,4242.42\n").await;
    assert_eq!((matched.status, matched.code().as_str()), (403, "FORBIDDEN"), "{}", matched.text);
    let left_out = upload("?object=vehicle&map=price%3D", "name,price\nPlain,1\n").await;
    assert_eq!(left_out.status, 202, "{}", left_out.text);
    let price = "{ vehicles(filter: { price: { eq: \"1\" } }) { totalCount } }";
    assert_eq!(tenant.data(price, json!({})).await["vehicles"]["totalCount"], 0);
}

#[tokio::test]
async fn a_condition_on_a_hidden_field_does_not_betray_it() {
    let app = TestApp::start().await;
    let (tenant, clerk, dear) = world(&app).await;
    let cheap = tenant.create("vehicle", json!({ "name": "Cheap", "price": "1", "note": "n" })).await;
    let empty = "mutation ($id: ID!) { updateVehicle(id: $id, data: { note: null }) { id } }";
    let (one, other) =
        (clerk.graphql(empty, json!({ "id": dear })).await, clerk.graphql(empty, json!({ "id": cheap })).await);
    assert_eq!(one.code(), "VALIDATION_FAILED");
    assert_eq!(one.body["errors"], other.body["errors"], "the same answer whatever the price is");
}

#[tokio::test]
async fn a_line_of_its_own_shows_what_is_made_of_a_hidden_field() {
    let app = TestApp::start().await;
    let (tenant, clerk, _) = world(&app).await;
    let asked = "{ customers { nodes { fleet } } }";
    assert_eq!(clerk.code(asked, json!({})).await, "FORBIDDEN");
    let update = "mutation ($input: RoleInput!) { updateRole(name: \"clerk\", input: $input) { name } }";
    let shown = json!({ "objects": [
        { "object": "vehicle", "read": "ALL", "fields": [{ "field": "price", "access": "HIDDEN" }] },
        { "object": "customer", "read": "ALL", "fields": [{ "field": "fleet", "access": "READ" }] },
    ] });
    tenant.data(update, json!({ "input": shown })).await;
    tests::until(5, "the role to hold", async || clerk.graphql(asked, json!({})).await.text.contains(SECRET)).await;
    assert_eq!(clerk.code("{ vehicles { nodes { price } } }", json!({})).await, "FORBIDDEN");
}
