//! Real files, including their mistakes: every row is imported or listed with its line, and no value moves into another
//! column.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Ran, Tenant, TestApp, until, workspace};

use crate::world;

const NORTHWIND: &str = "tests/data/northwind-customers.csv";
const CHINOOK: &str = "tests/data/chinook-customers.csv";

#[tokio::test]
async fn northwind_arrives_or_is_listed_with_its_line() {
    let app = TestApp::start().await;
    let tenant = app.tenant_with("acme", &["--country", "US", "--currency", "USD", "--language", "en"]);
    let report = import(&app, NORTHWIND, &[]).json();
    assert_eq!(
        (&report["rows"], &report["created"], &report["failed"]),
        (&json!(91), &json!(67), &json!(24)),
        "{report}"
    );

    let counted = tenant.data("{ runs { matched changed failed } }", json!({})).await["runs"].clone();
    assert_eq!(counted, json!([{ "matched": 91, "changed": 67, "failed": 24 }]), "the run counts every row");

    let errors = report["errorsFile"].as_str().expect("a file of errors");
    let mut listed = csv::ReaderBuilder::new().flexible(true).from_path(errors).expect("the file");
    let line = listed.headers().expect("headers").iter().position(|header| header == "line").expect("a column `line`");
    let lines: BTreeSet<u64> =
        listed.records().map(|row| row.expect("a row")[line].parse().expect("a number")).collect();
    assert_eq!(lines, lines_with_a_column_too_many(), "the rows with a column too many are listed, and only they");

    let countries =
        known(&tenant, "{ customers(first: 200) { nodes { country region companyName externalId } } }").await;
    assert_eq!(countries.len(), 67);
    for customer in &countries {
        let country = customer["country"].as_str().unwrap_or_default();
        assert!(!country.bytes().any(|byte| byte.is_ascii_digit()), "a shifted column: {customer}");
        assert_ne!(customer["region"], "NULL", "NULL is empty: {customer}");
    }
}

#[tokio::test]
async fn errors_can_be_corrected_and_imported_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let file = app.scratch("people.csv");
    fs::write(&file, "firstName,email,birthDate\nAda,ada@example.com,1815-12-10\nBob,bob@example.com,yesterday-ish\n")
        .expect("a file");
    let file = file.display().to_string();
    let report = app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file]).json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");

    let errors = report["errorsFile"].as_str().expect("a file of errors");
    assert_eq!(Path::new(errors).parent(), app.scratch("people.csv").canonicalize().expect("it").parent());
    let listed = fs::read_to_string(errors).expect("the file");
    assert!(listed.contains("birthDate") && listed.contains("yesterday-ish") && listed.contains('3'), "{listed}");
    let corrected = app.scratch("corrected.csv");
    fs::write(&corrected, listed.replace("yesterday-ish", "1999-01-31")).expect("a file");
    let corrected = corrected.display().to_string();
    let report = app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &corrected]).json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(known(&tenant, "{ customers { nodes { email } } }").await.len(), 2);
}

#[tokio::test]
async fn chinook_arrives_whole_and_again_without_doubles() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let report = import(&app, CHINOOK, &[]).json();
    assert_eq!(
        (&report["rows"], &report["created"], &report["failed"]),
        (&json!(59), &json!(59), &json!(0)),
        "{report}"
    );
    assert_eq!(warnings(&report["warnings"]), 2, "the two impossible phones: {report}");

    let people = known(&tenant, "{ customers(first: 200) { nodes { firstName email phone } } }").await;
    let luis = people.iter().find(|person| person["email"] == "luisg@embraer.com.br").expect("Luís");
    assert_eq!((&luis["firstName"], &luis["phone"]), (&json!("Luís"), &json!("+551239235555")));
    let odd = people
        .iter()
        .filter(|person| !person["phone"].as_str().is_none_or(|phone| phone.starts_with('+') && !phone.contains(' ')));
    assert_eq!(odd.count(), 2, "valid phones are E.164");

    let again = import(&app, CHINOOK, &["--match", "email", "--on-duplicate", "update"]).json();
    assert_eq!((&again["created"], &again["failed"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(known(&tenant, "{ customers(first: 200) { nodes { id } } }").await.len(), 59);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_an_undo_takes_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let dry = import(&app, CHINOOK, &["--dry-run"]).json();
    assert_eq!(dry["created"], 59, "{dry}");
    assert!(known(&tenant, "{ customers { nodes { id } } }").await.is_empty());

    let report = import(&app, CHINOOK, &[]).json();
    let run = report["runId"].as_str().expect("a run");
    app.cli(&["undo", "--tenant", "acme", "--run", run]).printed();
    let again = app.cli(&["undo", "--tenant", "acme", "--run", run]).json();
    let left = &again["records"][0];
    assert!(again["runId"].is_string() && left["id"].is_string(), "{again}");
    assert!(["customer", "contactPoint"].map(|name| json!(name)).contains(&left["object"]), "{again}");
    assert!(known(&tenant, "{ customers { nodes { id } } }").await.is_empty(), "created records are archived");
    let archived = known(&tenant, "{ customers(first: 200, archived: ONLY) { nodes { id } } }").await;
    assert_eq!(archived.len(), 59);
}

#[tokio::test]
async fn what_is_no_table_is_refused_with_a_reason() {
    let app = TestApp::start().await;
    app.tenant("acme");
    let picture = app.scratch("customers.csv");
    fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0").expect("a file");
    let ran =
        app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &picture.display().to_string()]);
    assert_eq!(ran.code, Some(65), "{ran:?}");
    assert!(ran.stderr.contains("PNG"), "the message says what the file is: {}", ran.stderr);
}

#[tokio::test]
async fn encodings_and_delimiters_are_detected() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let text = "firstName;city\nAmélie;Orléans\nŒuvre;Béjaïa\n";
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|letter| if letter == 'Œ' { 0x8c } else { letter as u8 }).collect();
    for (name, bytes) in
        [("utf16.csv", utf16), ("latin.csv", latin), ("bom.csv", format!("\u{feff}{text}").into_bytes())]
    {
        let file = app.scratch(name);
        fs::write(&file, bytes).expect("a file");
        let file = file.display().to_string();
        let report = app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file]).json();
        assert_eq!(report["created"], 2, "{name}: {report}");
    }
    let cities =
        known(&tenant, "{ customers(filter: { city: { eq: \"Béjaïa\" } }) { nodes { firstName city } } }").await;
    assert_eq!(cities, vec![json!({ "firstName": "Œuvre", "city": "Béjaïa" }); 3]);
}

const START: &str = "mutation ($input: ImportInput!) { startImport(input: $input) { id kind status object } }";

#[tokio::test]
async fn a_table_in_a_graphql_request_is_shown_and_imported() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let vehicle = "mutation { createObject(input: { name: \"vehicle\", plural: \"vehicles\", label: { en: \"Vehicle\" } }) { id } }";
    tenant.data(vehicle, json!({})).await;
    let csv = "Prénom;Courriel;Pointure\nAmélie;amelie@example.com;38\n\nZoé;zoe@example.com;40\n";
    let preview = "query ($input: ImportInput!) { importPreview(input: $input) {
        format { encoding delimiter header } headers mapping { header field } ignored refused rows { line cells } } }";
    let shown = tenant.data(preview, json!({ "input": { "object": "customer", "csv": csv } })).await;
    let expected = json!({
        "format": { "encoding": "UTF-8", "delimiter": ";", "header": true },
        "headers": ["Prénom", "Courriel", "Pointure"],
        "mapping": [{ "header": "Prénom", "field": "firstName" }, { "header": "Courriel", "field": "email" }],
        "ignored": ["Pointure"],
        "refused": [],
        "rows": [
            { "line": 2, "cells": ["Amélie", "amelie@example.com", "38"] },
            { "line": 4, "cells": ["Zoé", "zoe@example.com", "40"] }
        ],
    });
    assert_eq!(shown["importPreview"], expected);
    let uploaded = tenant.api_key.request(Method::POST, "/api/imports/preview?object=customer").body(csv);
    let uploaded = Answer::of(uploaded).await;
    assert_eq!((uploaded.status, &uploaded.body), (200, &expected), "the same by REST: {}", uploaded.text);
    assert!(known(&tenant, "{ customers { nodes { id } } }").await.is_empty(), "a look writes nothing");

    let input = json!({ "object": "customer", "csv": csv, "map": ["Pointure=jobTitle"], "onDuplicate": "UPDATE" });
    let begun = tenant.data(START, json!({ "input": input })).await["startImport"].clone();
    assert_eq!((&begun["kind"], &begun["object"]), (&json!("IMPORT"), &json!("customer")), "{begun}");
    let report = ended(&tenant, begun["id"].as_str().expect("an id")).await;
    assert_eq!((&report["created"], &report["failed"], &report["ignored"]), (&json!(2), &json!(0), &json!([])));
    let people = known(&tenant, "{ customers(orderBy: [{ jobTitle: ASC }]) { nodes { firstName jobTitle } } }").await;
    assert_eq!(people[1], json!({ "firstName": "Zoé", "jobTitle": "40" }));

    let parts = json!({ "object": "vehicle", "csv": "name|wheels\nA|4\n", "delimiter": "|", "dryRun": true });
    let dry = tenant.data(START, json!({ "input": parts })).await["startImport"]["id"].clone();
    let dry = ended(&tenant, dry.as_str().expect("an id")).await;
    assert_eq!((&dry["dryRun"], &dry["created"]), (&json!(true), &json!(1)), "{dry}");
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_by_every_endpoint_in_the_same_words() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    for (object, csv, code) in [
        ("vehicle", "a,b\n1,2\n", "BAD_REQUEST"),
        ("customer", "a,b\n1,2\n", "BAD_REQUEST"),
        ("customer", "", "BAD_FILE"),
        ("customer", "[{\"name\": 1}]", "BAD_FILE"),
    ] {
        let reported = tenant.graphql(START, json!({ "input": { "object": object, "csv": csv } })).await;
        let upload = tenant.api_key.request(Method::POST, &format!("/api/imports?object={object}")).body(csv);
        let upload = Answer::of(upload).await;
        assert_eq!((reported.code(), upload.code()), (code.to_owned(), code.to_owned()), "{object} {csv:?}");
        assert_eq!(reported.body["errors"][0]["message"], upload.body["errors"][0]["message"]);
    }
    assert_eq!(tenant.data("{ runs { id } }", json!({})).await["runs"], json!([]), "nothing was begun");
}

#[tokio::test]
async fn a_cell_may_name_several_records() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let object = json!({ "name": "course", "plural": "courses", "label": { "en": "Course" } });
    let create = "mutation ($input: CreateObjectInput!) { createObject(input: $input) { id } }";
    tenant.data(create, json!({ "input": object })).await;
    let relation = json!({ "to": "customer", "kind": "MANY_TO_MANY", "inverse": "courses" });
    world::field(
        &tenant,
        json!({ "object": "course", "name": "students", "label": { "en": "Students" }, "type": "RELATION", "relation": relation }),
    )
    .await;
    for (id, name, email) in
        [("1", "Ada", Some("ada@example.com")), ("2", "Bob", Some("bob@example.com")), ("3", "Eve, the third", None)]
    {
        tenant.create("customer", json!({ "externalId": id, "firstName": name, "email": email })).await;
    }
    let import = async |object: &str, csv: &str, map: Value| {
        let input = json!({ "object": object, "csv": csv, "map": map, "onDuplicate": "UPDATE" });
        let run = tenant.data(START, json!({ "input": input })).await["startImport"]["id"].clone();
        ended(&tenant, run.as_str().expect("an id")).await
    };
    let csv = "externalId,name,Students\nA,Algebra,1; 2;1\nB,Biology,\"Eve, the third; ada\"\nC,Chess,2;nobody;99\nD,Dance,\n";
    let report = import("course", csv, json!([])).await;
    assert_eq!((&report["created"], &report["failed"]), (&json!(3), &json!(1)), "{report}");
    let errors = format!("/api/imports/{}/errors", report["runId"].as_str().expect("a run"));
    let errors = Answer::of(tenant.api_key.request(Method::GET, &errors)).await.text;
    assert!(errors.contains("nobody; 99"), "each name that no record answers to is listed: {errors}");
    let students = async || {
        let query = "{ courses(orderBy: [{ externalId: ASC }]) { nodes { students { nodes { externalId } } } } }";
        let courses = tenant.data(query, json!({})).await["courses"]["nodes"].clone();
        let ids = |course: &Value| {
            let nodes = course["students"]["nodes"].as_array().expect("nodes").clone();
            let mut ids: Vec<String> =
                nodes.iter().map(|node| node["externalId"].as_str().expect("it").to_owned()).collect();
            ids.sort_unstable();
            ids.join("")
        };
        courses.as_array().expect("courses").iter().map(ids).collect::<Vec<_>>()
    };
    assert_eq!(students().await, ["12", "13", ""]);
    // One field alone finds them, from the other side too; an empty cell leaves the links as they are.
    let by_email = import(
        "course",
        "externalId,who\nA,ada@example.com\nB,\nD,bob@example.com|ada@example.com\n",
        json!(["who=students.email"]),
    )
    .await;
    assert_eq!((&by_email["updated"], &by_email["unchanged"]), (&json!(2), &json!(1)), "{by_email}");
    assert_eq!(students().await, ["1", "13", "12"]);
    let other_side = import("customer", "externalId,courses\n3,A;Dance\n", json!([])).await;
    assert_eq!(other_side["updated"], 1, "{other_side}");
    assert_eq!(students().await, ["13", "1", "123"]);
}

#[tokio::test]
async fn owners_are_found_by_what_they_sign_in_with() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let file = app.scratch("owned.csv");
    let rows = format!("firstName,owner\nAda,{}\nBob,nobody@example.com\n", tenant.owner_email.to_uppercase());
    fs::write(&file, rows).expect("a file");
    let report = app.cli(&["import", "--tenant", "acme", "--file", &file.display().to_string()]).json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    let customers = known(&tenant, "{ customers { nodes { firstName owner { email } } } }").await;
    assert_eq!(customers, [json!({ "firstName": "Ada", "owner": { "email": tenant.owner_email } })]);
}

#[tokio::test]
async fn an_upload_sent_again_with_its_key_is_imported_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let send = async |path: &str, key: &str, csv: &'static str| {
        let request = tenant.api_key.request(Method::POST, path).header("idempotency-key", key).body(csv);
        Answer::of(request).await
    };
    let address = "/api/imports?object=customer&onDuplicate=create";
    let first = send(address, "a", "firstName\nAda\n").await;
    assert_eq!(first.status, 202, "{}", first.text);
    let run = first.body["runId"].as_str().expect("a run").to_owned();
    let report = ended(&tenant, &run).await;
    assert_eq!(report["created"], 1, "{report}");
    let again = send(address, "a", "firstName\nAda\n").await;
    assert_eq!((again.status, &again.text), (202, &first.text), "what the first was answered");
    for (path, csv) in [(address, "firstName\nBob\n"), ("/api/imports?object=customer", "firstName\nAda\n")] {
        let other = send(path, "a", csv).await;
        assert_eq!((other.status, other.code().as_str()), (409, "IDEMPOTENCY_MISMATCH"));
    }
    let refused = send("/api/imports?object=customer", "b", "").await;
    assert_eq!((refused.status, send("/api/imports?object=customer", "b", "").await.text), (422, refused.text));

    let undo = format!("/api/imports/{run}/undo");
    let undone = send(&undo, "c", "").await;
    assert_eq!((undone.status, &undone.body["undone"]), (200, &json!(1)), "{}", undone.text);
    assert_eq!(send(&undo, "c", "").await.body, undone.body);

    let input = json!({ "object": "customer", "csv": "firstName\nEve\n", "onDuplicate": "CREATE" });
    let body = json!({ "query": START, "variables": { "input": input } });
    let mutate = async || {
        let request = tenant.api_key.request(Method::POST, "/graphql").header("idempotency-key", "d").json(&body);
        Answer::of(request).await.data()["startImport"].clone()
    };
    assert_eq!(mutate().await, mutate().await);
    let kinds = tenant.data("{ runs { kind } }", json!({})).await["runs"].clone();
    assert_eq!(kinds, json!([{ "kind": "IMPORT" }, { "kind": "UNDO" }, { "kind": "IMPORT" }]), "each begun once");
}

#[tokio::test]
async fn a_dry_run_says_what_the_import_will_do() {
    let app = TestApp::start().await;
    // More than two batches, and rows at the end that mean rows of the beginning.
    let mut rows: Vec<String> = (1..=2_400).map(|n| format!("{n},Person {n},p{n}@example.com,Oran")).collect();
    rows.extend(
        [
            "5,Person 5,p5@example.com,Oran",
            "7,Person 7,p7@example.com,Alger",
            "7,Person 7,p7@example.com,Alger",
            "9,Person 9,nobody,Oran",
            "2401,Person 2401,p2401@example.com,Oran",
        ]
        .map(str::to_owned),
    );
    let file = app.scratch("people.csv");
    fs::write(&file, format!("externalId,firstName,email,city\n{}\n", rows.join("\n"))).expect("a file");
    let file = file.display().to_string();
    let counts = |report: &Value| {
        ["rows", "created", "updated", "unchanged", "skipped", "failed"].map(|name| report[name].as_u64().expect(name))
    };
    for (mode, expected) in
        [("skip", [2405, 2401, 0, 0, 3, 1]), ("update", [2405, 2401, 1, 2, 0, 1]), ("create", [2405, 2401, 0, 0, 0, 4])]
    {
        let tenant = app.tenant(mode);
        let arguments = ["import", "--tenant", mode, "--file", &file, "--on-duplicate", mode];
        let dry = app.cli(&[&arguments[..], &["--dry-run"]].concat()).json();
        assert_eq!(counts(&dry), expected, "{mode}, tried: {dry}");
        assert!(known(&tenant, "{ customers(archived: INCLUDE) { nodes { id } } }").await.is_empty());
        let real = app.cli(&arguments).json();
        assert_eq!(counts(&real), expected, "{mode}: {real}");
        let lines = |report: &Value| {
            let mut listed = csv::Reader::from_path(report["errorsFile"].as_str().expect("a file")).expect("it");
            listed.records().map(|row| row.expect("a row")[0].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lines(&dry), lines(&real), "the same rows are refused");
    }
}

/// The report of a finished import.
async fn ended(tenant: &Tenant, run: &str) -> Value {
    let report = async || Answer::of(tenant.api_key.request(Method::GET, &format!("/api/imports/{run}"))).await.body;
    let ended = async || !["QUEUED", "RUNNING"].contains(&report().await["status"].as_str().unwrap_or_default());
    until(60, "the import ends", ended).await;
    report().await
}

fn import(app: &TestApp, file: &str, flags: &[&str]) -> Ran {
    let copy = app.scratch("import.csv");
    fs::copy(workspace::file(file), &copy).expect("a copy, beside which the errors file is put");
    let file = copy.display().to_string();
    let mut arguments = vec!["import", "--tenant", "acme", "--object", "customer", "--file", &file];
    arguments.extend(flags);
    app.cli(&arguments)
}

async fn known(tenant: &Tenant, query: &str) -> Vec<Value> {
    tenant.data(query, json!({})).await["customers"]["nodes"].as_array().expect("nodes").clone()
}

/// A count, or the list of what is counted.
fn warnings(reported: &Value) -> u64 {
    reported.as_u64().unwrap_or_else(|| reported.as_array().map_or(0, |list| list.len() as u64))
}

fn lines_with_a_column_too_many() -> BTreeSet<u64> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(workspace::file(NORTHWIND)).expect("the file");
    let columns = reader.headers().expect("headers").len();
    let rows = reader.records().map(|row| row.expect("a row"));
    let wrong = rows.filter(|row| row.len() != columns);
    wrong.map(|row| row.position().expect("a position").line()).collect()
}
