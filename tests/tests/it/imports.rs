//! Real files, faults included: every row arrives or is listed with its line, and nothing is shifted into wrong columns.

use std::{collections::BTreeSet, fs};

use serde_json::json;
use tests::{Ran, Tenant, TestApp, workspace};

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

fn import(app: &TestApp, file: &str, flags: &[&str]) -> Ran {
    let file = workspace::file(file).display().to_string();
    let mut arguments = vec!["import", "--tenant", "acme", "--object", "customer", "--file", &file];
    arguments.extend(flags);
    app.cli(&arguments)
}

async fn known(tenant: &Tenant, query: &str) -> Vec<serde_json::Value> {
    tenant.data(query, json!({})).await["customers"]["nodes"].as_array().expect("nodes").clone()
}

/// A count, or the list of what is counted.
fn warnings(told: &serde_json::Value) -> u64 {
    told.as_u64().unwrap_or_else(|| told.as_array().map_or(0, |list| list.len() as u64))
}

fn lines_with_a_column_too_many() -> BTreeSet<u64> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(workspace::file(NORTHWIND)).expect("the file");
    let columns = reader.headers().expect("headers").len();
    let rows = reader.records().map(|row| row.expect("a row"));
    let wrong = rows.filter(|row| row.len() != columns);
    wrong.map(|row| row.position().expect("a position").line()).collect()
}
