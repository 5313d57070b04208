//! One scenario through every endpoint: the same input, the same record, the same error.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp, until};

const ROW: [(&str, &str); 6] = [
    ("firstName", "Amélie"),
    ("email", "AMELIE@Example.com"),
    ("phone", "0550 12 34 56"),
    ("birthDate", "1990-02-28"),
    ("city", "Béjaïa"),
    ("tags", "vip"),
];

#[tokio::test]
async fn the_same_row_makes_the_same_record() {
    let app = TestApp::start().await;
    let flags = ["--country", "DZ", "--currency", "DZD", "--time-zone", "Africa/Algiers", "--language", "fr"];

    let graphql = app.tenant_with("graphql", &flags);
    let mut data: serde_json::Map<String, Value> =
        ROW.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    data.insert("tags".to_owned(), json!(["vip"]));
    graphql.create("customer", Value::Object(data)).await;
    let expected = record(&graphql).await;
    assert_eq!(expected["phone"], "+213550123456", "the country of the organisation makes it E.164");

    let command = app.tenant_with("command", &flags);
    let file = app.scratch("row.csv");
    fs::write(&file, csv(&ROW)).expect("a file");
    let report = app
        .cli(&["import", "--tenant", "command", "--object", "customer", "--file", &file.display().to_string()])
        .json();
    assert_eq!(report["created"], 1, "{report}");
    assert_eq!(record(&command).await, expected, "by the command line");

    let upload = app.tenant_with("upload", &flags);
    let request =
        upload.api_key.request(Method::POST, "/api/imports?object=customer").header("content-type", "text/csv");
    let answer = Answer::of(request.body(csv(&ROW))).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.text);
    wait_for_one(&upload).await;
    assert_eq!(record(&upload).await, expected, "by the upload");
}

#[tokio::test]
async fn the_same_wrong_value_is_refused_for_the_same_reason() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let query = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
    let answer = tenant.graphql(query, json!({ "data": { "firstName": "X", "status": "GONE" } })).await;
    let reported = &answer.body["errors"][0]["extensions"]["fields"][0];
    assert_eq!((&reported["field"], &reported["code"]), (&json!("status"), &json!("NOT_AN_OPTION")), "{}", answer.text);

    let file = app.scratch("row.csv");
    fs::write(&file, "firstName,status\nX,GONE\n").expect("a file");
    let report =
        app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file.display().to_string()]).json();
    let errors = fs::read_to_string(report["errorsFile"].as_str().expect("a file of errors")).expect("the file");
    assert!(errors.contains("status") && errors.contains("GONE"), "{errors}");
    assert!(errors.contains(reported["message"].as_str().expect("a message")), "the same words: {errors}");
}

fn csv(row: &[(&str, &str)]) -> String {
    let line = |cells: Vec<&str>| cells.join(",") + "\n";
    line(row.iter().map(|(name, _)| *name).collect()) + &line(row.iter().map(|(_, value)| *value).collect())
}

async fn record(tenant: &Tenant) -> Value {
    let query = "{ customers { nodes { number kind name firstName email phone birthDate city tags status country
        contactPoints(orderBy: [{ kind: ASC }]) { nodes { kind value key valid primary } } } } }";
    let nodes = tenant.data(query, json!({})).await["customers"]["nodes"].clone();
    assert_eq!(nodes.as_array().map(Vec::len), Some(1), "{nodes}");
    nodes[0].clone()
}

async fn wait_for_one(tenant: &Tenant) {
    let there = async || tenant.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"] == 1;
    until(30, "the upload is imported", there).await;
}
