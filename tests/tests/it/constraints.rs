//! Several fields that are unique together: a plate within a region.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp, until};

use crate::{access, world};

const CREATE: &str = "mutation ($data: VehicleCreateInput!) { createVehicle(data: $data) { id } }";

async fn vehicles(tenant: &Tenant) {
    world::vehicles(tenant).await;
    for name in ["plate", "region"] {
        tenant.field(json!({ "object": "vehicle", "name": name, "type": "TEXT" })).await;
    }
}

async fn constrain(client: &Client, object: &str, fields: &[&str]) -> Answer {
    let inline = format!(
        "mutation ($fields: [String!]!) {{ createConstraint(input: {{ object: \"{object}\", fields: $fields }}) {{
            id object fields state failure }} }}"
    );
    client.graphql(&inline, json!({ "fields": fields })).await
}

/// Makes plate and region unique together; the id of the constraint, once it holds.
async fn unique(tenant: &Tenant) -> Value {
    let made = constrain(&tenant.api_key, "vehicle", &["plate", "region"]).await.data()["createConstraint"].clone();
    assert_eq!((&made["object"], &made["fields"]), (&json!("vehicle"), &json!(["plate", "region"])), "{made}");
    until(30, "the constraint holds", async || state(tenant).await["state"] == "ACTIVE").await;
    made["id"].clone()
}

/// The one constraint of vehicles.
async fn state(tenant: &Tenant) -> Value {
    let query = "{ object(name: \"vehicle\") { constraints { id fields state failure } } }";
    tenant.data(query, json!({})).await["object"]["constraints"][0].clone()
}

async fn create(tenant: &Tenant, plate: &str, region: Option<&str>) -> Answer {
    tenant.graphql(CREATE, json!({ "data": { "name": "V", "plate": plate, "region": region } })).await
}

fn taken() -> Vec<(String, String)> {
    ["plate", "region"].map(|field| (field.to_owned(), "TAKEN".to_owned())).to_vec()
}

async fn count(tenant: &Tenant) -> Value {
    tenant.data("{ vehicles { totalCount } }", json!({})).await["vehicles"]["totalCount"].clone()
}

#[tokio::test]
async fn a_combination_is_taken_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    unique(&tenant).await;
    create(&tenant, "AB-1", Some("Oran")).await.data();
    assert_eq!(create(&tenant, "AB-1", Some("Oran")).await.complaints(), taken());
    assert_eq!(create(&tenant, "ab-1", Some("  ÓRAN ")).await.complaints(), taken(), "compared as text always is");
    create(&tenant, "AB-1", Some("Alger")).await.data();
    create(&tenant, "AB-2", Some("Oran")).await.data();
    for _ in 0..2 {
        create(&tenant, "AB-1", None).await.data();
    }
    assert_eq!(count(&tenant).await, 5, "what has no region meets nobody");

    let query = "{ vehicles(filter: { region: { eq: \"Alger\" } }) { nodes { id } } }";
    let id = tenant.data(query, json!({})).await["vehicles"]["nodes"][0]["id"].as_str().expect("an id").to_owned();
    let moved = tenant.api_key.update("vehicle", &id, json!({ "region": "oran" })).await;
    assert_eq!(moved.complaints(), taken(), "one of the fields is written, both are told");
    tenant.api_key.update("vehicle", &id, json!({ "plate": "ab-1", "region": "ALGER" })).await.data();
}

#[tokio::test]
async fn a_link_and_a_choice_may_be_part_of_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    constrain(&tenant.api_key, "vehicle", &["customer", "colour"]).await.data();
    until(30, "the constraint holds", async || state(&tenant).await["state"] == "ACTIVE").await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let bea = tenant.create("customer", json!({ "name": "Bea" })).await;
    let create = async |customer: &str, colour: &str| {
        tenant.graphql(CREATE, json!({ "data": { "name": "V", "customer": customer, "colour": colour } })).await
    };
    create(&ada, "red").await.data();
    create(&ada, "blue").await.data();
    create(&bea, "red").await.data();
    let refused = create(&ada, "red").await.complaints();
    assert_eq!(refused, [("customer".to_owned(), "TAKEN".to_owned()), ("colour".to_owned(), "TAKEN".to_owned())]);
    // Her vehicles belong to nobody then: they meet no more.
    tenant.api_key.act("destroy", "customer", &ada).await.data();
    assert_eq!(count(&tenant).await, 3);
}

#[tokio::test]
async fn what_is_archived_frees_it_and_does_not_come_back_into_a_taken_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    unique(&tenant).await;
    let first = create(&tenant, "AB-1", Some("Oran")).await.data()["createVehicle"]["id"].clone();
    let first = first.as_str().expect("an id");
    tenant.api_key.act("delete", "vehicle", first).await.data();
    let second = create(&tenant, "AB-1", Some("Oran")).await.data()["createVehicle"]["id"].clone();
    let second = second.as_str().expect("an id");
    let refused = tenant.api_key.act("restore", "vehicle", first).await;
    assert_eq!(refused.code(), "CONFLICT");
    assert!(refused.text.contains(second), "it names the other: {}", refused.text);
    tenant.api_key.act("destroy", "vehicle", second).await.data();
    tenant.api_key.act("restore", "vehicle", first).await.data();
}

#[tokio::test]
async fn lists_upserts_and_changes_by_filter_keep_to_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    unique(&tenant).await;
    let many = async |data: Value, upsert: bool| {
        let upsert = if upsert { ", upsertOn: [externalId]" } else { "" };
        let query = format!(
            "mutation ($data: [VehicleCreateInput!]!) {{ createVehicles(data: $data{upsert}) {{ plate region }} }}"
        );
        tenant.graphql(&query, json!({ "data": data })).await
    };
    let one = |id: &str, plate: &str, region: &str| json!({ "externalId": id, "name": "V", "plate": plate, "region": region });
    let twice = many(json!([one("1", "A", "Oran"), one("2", "a", "oran")]), false).await;
    assert_eq!(twice.code(), "VALIDATION_FAILED", "within the list: {}", twice.text);
    assert_eq!(count(&tenant).await, 0, "all or none");
    many(json!([one("1", "A", "Oran"), one("2", "B", "Oran")]), true).await.data();
    let again = many(json!([one("2", "B", "oran"), one("3", "C", "Oran")]), true).await;
    assert_eq!(again.data()["createVehicles"][0], json!({ "plate": "B", "region": "oran" }));
    let into = many(json!([one("3", "A", "Oran")]), true).await;
    assert!(into.code() == "VALIDATION_FAILED" && into.text.contains("TAKEN"), "{}", into.text);

    let query = "mutation { updateVehicles(filter: { plate: { in: [\"B\", \"C\"] } }, data: { plate: \"D\" }) {
        matched changed failed } }";
    let done = tenant.data(query, json!({})).await["updateVehicles"].clone();
    assert_eq!(done, json!({ "matched": 2, "changed": 1, "failed": 1 }), "the first has it then");
}

#[tokio::test]
async fn imports_list_the_rows_that_break_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    unique(&tenant).await;
    create(&tenant, "AB-1", Some("Oran")).await.data();
    let csv = "name,plate,region\nA,ab-1,ORAN\nB,AB-2,Oran\nC,AB-2,oran\nD,AB-2,\nE,AB-2,\n";
    let (run, ended) = tenant.api_key.import("vehicle", csv).await;
    assert_eq!((&ended["changed"], &ended["failed"]), (&json!(3), &json!(2)), "{ended}");
    let path = format!("/api/imports/{}/errors", run.as_str().expect("a run"));
    let errors = Answer::of(tenant.api_key.request(reqwest::Method::GET, &path)).await.text;
    let lines: Vec<_> = errors.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(lines, ["2", "4"], "{errors}");
}

#[tokio::test]
async fn of_many_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    unique(&tenant).await;
    let answers = join_all((0..12).map(|_| create(&tenant, "AB-1", Some("Oran")))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.body.get("errors").is_none());
    assert_eq!(made.len(), 1);
    for answer in refused {
        assert_eq!(answer.complaints(), taken());
    }
    assert_eq!(count(&tenant).await, 1);
}

#[tokio::test]
async fn doubles_that_there_are_make_it_fail_with_an_example() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    let first = create(&tenant, "AB-1", Some("Oran")).await.data()["createVehicle"]["id"].clone();
    create(&tenant, "ab-1", Some("oran")).await.data();
    constrain(&tenant.api_key, "vehicle", &["plate", "region"]).await.data();
    until(30, "it fails", async || state(&tenant).await["state"] == "FAILED").await;
    let failed = state(&tenant).await;
    let reason = failed["failure"].as_str().expect("a reason").to_lowercase();
    assert!(reason.contains("ab-1") && reason.contains("oran"), "{reason}");
    create(&tenant, "AB-1", Some("Oran")).await.data();

    let delete = "mutation ($id: ID!) { deleteConstraint(id: $id) }";
    tenant.data(delete, json!({ "id": failed["id"] })).await;
    let archive = "mutation ($id: ID!) { deleteVehicles(filter: { id: { ne: $id } }) { changed } }";
    assert_eq!(tenant.data(archive, json!({ "id": first })).await["deleteVehicles"]["changed"], 2);
    unique(&tenant).await;
    assert_eq!(create(&tenant, "AB-1", Some("Oran")).await.complaints(), taken());
}

#[tokio::test]
async fn without_the_constraint_all_is_free_again() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme"), app.tenant("other"));
    vehicles(&tenant).await;
    let id = unique(&tenant).await;
    create(&tenant, "AB-1", Some("Oran")).await.data();
    let delete = "mutation ($id: ID!) { deleteConstraint(id: $id) }";
    assert_eq!(other.code(delete, json!({ "id": id })).await, "NOT_FOUND");
    access::role(&tenant, json!({ "name": "clerk", "others": access::all() })).await;
    let clerk = access::program(&app, &tenant, "clerk");
    assert_eq!(clerk.code(delete, json!({ "id": id })).await, "FORBIDDEN");
    assert_eq!(constrain(&clerk, "vehicle", &["plate", "colour"]).await.code(), "FORBIDDEN");
    tenant.data(delete, json!({ "id": id })).await;
    create(&tenant, "AB-1", Some("Oran")).await.data();
    let listed = tenant.data("{ object(name: \"vehicle\") { constraints { id } } }", json!({})).await;
    assert_eq!(listed["object"]["constraints"], json!([]));
    assert_eq!(tenant.code(delete, json!({ "id": id })).await, "NOT_FOUND");
}

#[tokio::test]
async fn what_cannot_be_unique_together_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    vehicles(&tenant).await;
    for (name, ty) in [("remarks", "LONG_TEXT"), ("labels", "TAGS"), ("raw", "JSON")] {
        tenant.field(json!({ "object": "vehicle", "name": name, "type": ty })).await;
    }
    for fields in [
        &["plate"][..],
        &["plate", "plate"],
        &["plate", "nothing"],
        &["plate", "remarks"],
        &["plate", "labels"],
        &["plate", "raw"],
        &["plate", "region", "name", "price", "colour", "customer"],
    ] {
        let refused = constrain(&tenant.api_key, "vehicle", fields).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED", "{fields:?}: {}", refused.text);
    }
    unique(&tenant).await;
    assert_eq!(constrain(&tenant.api_key, "nothing", &["a", "b"]).await.code(), "NOT_FOUND");
}
