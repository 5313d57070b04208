//! Encrypted fields: written, read, found by equality and shown in history like others, and not comparable in any other
//! way.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp, until};

use crate::world;

const CREATE: &str = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
const UPDATE: &str = "mutation ($id: ID!, $data: CustomerUpdateInput!) { updateCustomer(id: $id, data: $data) { id } }";
const FIND: &str = "query ($filter: CustomerFilter) { customers(filter: $filter) { nodes { lastName } } }";

/// Gives customers a unique secret number, a day, a salary, notes and a document.
pub(crate) async fn secrets(tenant: &Tenant) {
    for (name, kind, encryption, unique) in [
        ("socialNumber", "TEXT", "SEALED_EQUALITY", true),
        ("examinedOn", "DATE", "SEALED_EQUALITY", false),
        ("privateEmail", "EMAIL", "SEALED_EQUALITY", false),
        ("salary", "DECIMAL", "SEALED", false),
        ("diagnosis", "LONG_TEXT", "SEALED", false),
        ("chart", "JSON", "SEALED", false),
    ] {
        let input = json!({ "object": "customer", "name": name, "label": { "en": name }, "type": kind,
            "encryption": encryption, "unique": unique });
        world::field(tenant, input).await;
    }
}

async fn names(tenant: &Tenant, filter: Value) -> Vec<String> {
    let found = tenant.data(FIND, json!({ "filter": filter })).await;
    let nodes = found["customers"]["nodes"].as_array().expect("nodes").clone();
    let mut names: Vec<String> =
        nodes.iter().map(|node| node["lastName"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn encrypted_values_are_written_read_and_found_by_equality() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    secrets(&acme).await;
    let zenobia = json!({ "lastName": "Zenobia", "socialNumber": "Ä-4711", "examinedOn": "2026-02-03",
        "privateEmail": "Zen@Example.com", "salary": "1234.50", "diagnosis": "Measles\nmild", "chart": { "beats": [61, 72] } });
    let id = acme.create("customer", zenobia.clone()).await;
    acme.create("customer", json!({ "lastName": "Amel", "socialNumber": "4712", "examinedOn": "2026-02-03" })).await;
    acme.create("customer", json!({ "lastName": "Bob" })).await;

    let read = "query ($id: ID!) { customer(id: $id) {
        lastName socialNumber examinedOn privateEmail salary diagnosis chart } }";
    let mut expected = zenobia;
    expected["privateEmail"] = json!("zen@example.com");
    assert_eq!(acme.data(read, json!({ "id": id })).await["customer"], expected);

    for (filter, found) in [
        (json!({ "socialNumber": { "eq": "a-4711" } }), vec!["Zenobia"]),
        (json!({ "socialNumber": { "in": ["4712", "Ä-4711", "5"] } }), vec!["Amel", "Zenobia"]),
        (json!({ "socialNumber": { "ne": "4712" } }), vec!["Bob", "Zenobia"]),
        (json!({ "not": { "examinedOn": { "eq": "2026-02-03" } } }), vec!["Bob"]),
        (json!({ "privateEmail": { "eq": "ZEN@example.COM" } }), vec!["Zenobia"]),
        (json!({ "diagnosis": { "isNull": false } }), vec!["Zenobia"]),
        (json!({ "examinedOn": { "isNull": true } }), vec!["Bob"]),
    ] {
        assert_eq!(names(&acme, filter.clone()).await, found, "{filter}");
    }
    let taken = acme.graphql(CREATE, json!({ "data": { "lastName": "Cem", "socialNumber": " ä-4711" } })).await;
    assert_eq!(taken.code(), "VALIDATION_FAILED");
    assert_eq!(taken.body["errors"][0]["extensions"]["fields"][0]["code"], "TAKEN", "{}", taken.text);
    let upsert =
        "mutation ($data: [CustomerCreateInput!]!) { createCustomers(data: $data, upsertOn: [socialNumber]) { id } }";
    let again = json!({ "data": [{ "lastName": "Zenobia", "socialNumber": "Ä-4711", "salary": "2000" }] });
    assert_eq!(acme.data(upsert, again).await["createCustomers"][0]["id"], json!(id));
}

#[tokio::test]
async fn encrypted_values_are_compared_in_no_other_way() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    secrets(&acme).await;
    for filter in [
        json!({ "socialNumber": { "contains": "47" } }),
        json!({ "socialNumber": { "gte": "4" } }),
        json!({ "examinedOn": { "lastDays": 30 } }),
        json!({ "salary": { "eq": "1" } }),
        json!({ "diagnosis": { "startsWith": "M" } }),
    ] {
        let answer = acme.graphql(FIND, json!({ "filter": filter })).await;
        assert_eq!(answer.code(), "BAD_FILTER", "{filter}");
        assert!(answer.text.contains("encrypted"), "{}", answer.text);
    }
    for query in [
        "{ customers(orderBy: [{ socialNumber: ASC }]) { nodes { id } } }",
        "{ customersAggregate { sum { salary } } }",
        "{ customersAggregate(groupBy: [{ socialNumber: VALUE }]) { count } }",
        "{ customersAggregate { min { examinedOn } } }",
    ] {
        let answer = acme.graphql(query, json!({})).await;
        assert!(answer.body["errors"].is_array(), "{query}: {}", answer.text);
    }
    let make = "mutation ($input: CreateFieldInput!) { createField(input: $input) { id } }";
    for (part, more) in [
        ("encryption", json!({ "type": "TAGS", "encryption": "SEALED" })),
        ("encryption", json!({ "type": "JSON", "encryption": "SEALED_EQUALITY" })),
        ("unique", json!({ "type": "TEXT", "encryption": "SEALED", "unique": true })),
        ("searchable", json!({ "type": "TEXT", "encryption": "SEALED", "searchable": true })),
        ("default", json!({ "type": "TEXT", "encryption": "SEALED", "default": "x" })),
    ] {
        let mut input = json!({ "object": "customer", "name": "other", "label": { "en": "Other" } });
        input.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        let answer = acme.graphql(make, json!({ "input": input })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["fields"][0]["field"], part, "{input} {}", answer.text);
    }
    let fields = "{ object(name: \"customer\") { fields { id name encryption } } }";
    let fields = acme.data(fields, json!({})).await["object"]["fields"].as_array().expect("fields").clone();
    let of = |name: &str| fields.iter().find(|field| field["name"] == name).expect("a field").clone();
    assert_eq!((&of("salary")["encryption"], &of("lastName")["encryption"]), (&json!("SEALED"), &json!("NONE")));
    let retype = "mutation ($id: ID!) { updateField(id: $id, input: { type: LONG_TEXT }) { id } }";
    let answer = acme.graphql(retype, json!({ "id": of("socialNumber")["id"] })).await;
    assert!(answer.text.contains("encrypted"), "{}", answer.text);
    let look = "mutation ($id: ID!, $when: JSON!) { updateField(id: $id, input: { validation: { requiredWhen: $when } }) { id } }";
    let when = json!({ "id": of("lastName")["id"], "when": { "socialNumber": { "eq": "1" } } });
    assert!(acme.graphql(look, when).await.text.contains("encrypted"));
}

#[tokio::test]
async fn history_bulk_changes_and_undo_know_encrypted_values() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    secrets(&acme).await;
    let id = acme.create("customer", json!({ "lastName": "Zenobia", "salary": "1000", "city": "Oran" })).await;
    acme.data(UPDATE, json!({ "id": id, "data": { "salary": "1100", "city": "Alger" } })).await;
    let history = "query ($id: ID!) { customer(id: $id) { salary diagnosis history(first: 5) { nodes { kind changes { field from to } } } } }";
    let reported = acme.data(history, json!({ "id": id })).await["customer"].clone();
    let changes = reported["history"]["nodes"][0]["changes"].as_array().expect("changes").clone();
    assert!(changes.contains(&json!({ "field": "salary", "from": "1000.00", "to": "1100.00" })), "{reported}");
    assert!(changes.contains(&json!({ "field": "city", "from": "Oran", "to": "Alger" })), "{reported}");

    let bulk = "mutation ($filter: CustomerFilter!) { updateCustomers(filter: $filter, data: { diagnosis: \"Flu\" }) { runId changed } }";
    let filter = json!({ "filter": { "lastName": { "eq": "Zenobia" } } });
    let done = acme.data(bulk, filter).await["updateCustomers"].clone();
    assert_eq!(done["changed"], 1);
    assert_eq!(acme.data(history, json!({ "id": id })).await["customer"]["diagnosis"], "Flu");
    let undo = "mutation ($run: ID!) { undoRun(id: $run) { undone skipped } }";
    let undone = acme.data(undo, json!({ "run": done["runId"] })).await["undoRun"].clone();
    assert_eq!(undone["undone"], 1, "{undone}");
    assert_eq!(acme.data(history, json!({ "id": id })).await["customer"]["diagnosis"], Value::Null);
    let unchanged = acme.data(UPDATE, json!({ "id": id, "data": { "salary": "1100.00" } })).await;
    assert_eq!(unchanged["updateCustomer"]["id"], json!(id));
    let reported = acme.data(history, json!({ "id": id })).await["customer"].clone();
    assert_eq!(
        reported["history"]["nodes"].as_array().expect("entries").len(),
        4,
        "the same value is no change: {reported}"
    );
}

#[tokio::test]
async fn dry_and_real_imports_match_by_encrypted_values() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    secrets(&acme).await;
    acme.create("customer", json!({ "lastName": "Zenobia", "socialNumber": "4711", "salary": "1000" })).await;
    let csv = "lastName,socialNumber,salary\nZenobia,4711,1500\nAmel,4712,900\nAmina,4712,950\nBob,4713,much\n";
    let import = async |dry: &str| {
        let address = format!("/api/imports?object=customer&match=socialNumber&onDuplicate=update{dry}");
        let begun = Answer::of(acme.api_key.request(Method::POST, &address).body(csv)).await;
        assert_eq!(begun.status, 202, "{}", begun.text);
        let address = format!("/api/imports/{}", begun.body["runId"].as_str().expect("a run"));
        let ended = async || Answer::of(acme.api_key.request(Method::GET, &address)).await.body["status"] == "DONE";
        until(30, "the import ends", ended).await;
        let report = Answer::of(acme.api_key.request(Method::GET, &address)).await.body;
        (report["created"].clone(), report["updated"].clone(), report["failed"].clone())
    };
    let expected = (json!(1), json!(2), json!(1));
    assert_eq!(import("&dryRun=true").await, expected);
    assert_eq!(names(&acme, json!({})).await, ["Zenobia"], "nothing is written by a dry run");
    assert_eq!(import("").await, expected);
    let read = "{ customers(filter: { socialNumber: { in: [\"4711\", \"4712\"] } }, orderBy: [{ lastName: ASC }]) {
        nodes { lastName socialNumber salary } } }";
    let read = acme.data(read, json!({})).await["customers"]["nodes"].clone();
    assert_eq!(
        read,
        json!([{ "lastName": "Amina", "socialNumber": "4712", "salary": "950.00" },
            { "lastName": "Zenobia", "socialNumber": "4711", "salary": "1500.00" }])
    );
    // the command line's way, and a change that a killed process leaves to another, use the same rows
    let file = app.scratch("more.csv");
    fs::write(&file, "lastName,socialNumber\nCem,4714\n").expect("a file");
    let ran = app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file.display().to_string()]);
    assert_eq!(ran.json()["created"], 1);
    assert_eq!(names(&acme, json!({ "socialNumber": { "eq": "4714" } })).await, ["Cem"]);
}
