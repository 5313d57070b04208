//! The choices of standard objects: their keys are written in small letters, and files may say them in any way.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, TestApp};

#[tokio::test]
async fn keys_of_standard_choices_are_written_in_small_letters() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let data = tenant.data("{ objects { name fields { name options { value } } } }", json!({})).await;
    let mut customer = Vec::new();
    for object in data["objects"].as_array().expect("objects") {
        for field in object["fields"].as_array().expect("fields") {
            let options = field["options"].as_array().map_or(&[][..], Vec::as_slice);
            let keys: Vec<_> = options.iter().map(|option| option["value"].as_str().expect("a key")).collect();
            for key in &keys {
                let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
                assert!(key.bytes().all(plain), "{} {} {key}", object["name"], field["name"]);
            }
            if object["name"] == "customer" && !keys.is_empty() {
                customer.push(json!([field["name"], keys]));
            }
        }
    }
    assert_eq!(customer, [json!(["kind", ["person", "company"]]), json!(["status", ["active", "inactive"]])]);

    let query =
        "mutation { createCustomer(data: { companyName: \"Acme\", kind: \"company\", email: \"a@example.com\" }) {
        kind status contactPoints { nodes { kind } } } }";
    let made = tenant.data(query, json!({})).await["createCustomer"].clone();
    let expected =
        json!({ "kind": "company", "status": "active", "contactPoints": { "nodes": [{ "kind": "email" }] } });
    assert_eq!(made, expected);
    let ada = tenant.data("mutation { createCustomer(data: { firstName: \"Ada\" }) { kind } }", json!({})).await;
    assert_eq!(ada["createCustomer"]["kind"], "person");
    let query = "{ customers(filter: { kind: { eq: \"company\" } }) { totalCount }
        customersAggregate(groupBy: [{ kind: VALUE }], orderBy: [{ by: KEY, field: \"kind\" }]) { groups { key { kind } count } } }";
    let data = tenant.data(query, json!({})).await;
    let groups = json!([{ "key": { "kind": "person" }, "count": 1 }, { "key": { "kind": "company" }, "count": 1 }]);
    assert_eq!((&data["customers"]["totalCount"], &data["customersAggregate"]["groups"]), (&json!(1), &groups));
}

#[tokio::test]
async fn files_say_them_in_any_case_and_language() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let rows = [
        ("company", "active", "company", "active"),
        ("COMPANY", "INACTIVE", "company", "inactive"),
        ("Company", "Inactive", "company", "inactive"),
        ("Entreprise", "Inactif", "company", "inactive"),
        ("ENTREPRISE", "ACTIF", "company", "active"),
        ("empresa", "inactivo", "company", "inactive"),
        ("Personne", "actif", "person", "active"),
        ("PERSON", "Activo", "person", "active"),
    ];
    let mut csv = "externalId,name,companyName,kind,status\n".to_owned();
    for (at, (kind, status, expected, _)) in rows.iter().enumerate() {
        let company = if *expected == "company" { "Acme" } else { "" };
        csv += &format!("{at},N{at},{company},{kind},{status}\n");
    }
    csv += "8,N8,,Martian,active\n";
    let (run, ended) = tenant.api_key.import("customer", &csv).await;
    assert_eq!((&ended["changed"], &ended["failed"]), (&json!(8), &json!(1)), "{ended}");
    let query = "{ customers(orderBy: [{ externalId: ASC }]) { nodes { kind status } } }";
    let found = tenant.data(query, json!({})).await["customers"]["nodes"].clone();
    let expected: Vec<Value> =
        rows.iter().map(|(_, _, kind, status)| json!({ "kind": kind, "status": status })).collect();
    assert_eq!(found, json!(expected));
    let path = format!("/api/imports/{}/errors", run.as_str().expect("a run"));
    let errors = Answer::of(tenant.api_key.request(Method::GET, &path)).await.text;
    assert!(errors.contains("Martian") && errors.contains("kind"), "{errors}");
}
