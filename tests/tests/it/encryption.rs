//! Who copies the files reads nothing of the customers in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reqwest::Method;
use serde_json::json;
use tests::{Answer, TestApp, until};

#[tokio::test]
async fn no_customer_is_found_in_the_bytes_of_the_files() {
    if tests::postgres().is_some() {
        return; // The files are PostgreSQL's; disk encryption is the operator's.
    }
    let mut app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let data = json!({ "firstName": "Zenobia", "lastName": "Quartermaine", "email": "zenobia@quartermaine.example", "phone": "+213550998877" });
    let id = tenant.create("customer", data).await;
    let change = "mutation ($id: ID!) { updateCustomer(id: $id, data: { city: \"Tamanrasset\" }) { id } }";
    tenant.data(change, json!({ "id": id })).await;

    let words = ["zenobia", "quartermaine", "213550998877", "tamanrasset", "owner@acme.example"];
    let while_running = scan(&app.data(), &words);
    app.server().kill();
    let after_a_crash = scan(&app.data(), &words);
    assert!(while_running.1.is_empty() && after_a_crash.1.is_empty(), "{while_running:?} {after_a_crash:?}");
    assert!(while_running.0 >= 4, "control and tenant files with their logs were expected, {} found", while_running.0);
}

#[tokio::test]
async fn no_customer_is_found_in_the_bytes_of_staged_files() {
    let mut app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let upload = async |csv: String| {
        let begun = Answer::of(tenant.api_key.request(Method::POST, "/api/imports?object=customer").body(csv)).await;
        assert_eq!(begun.status, 202, "{}", begun.text);
        begun.body["runId"].as_str().expect("a run").to_owned()
    };
    let row = |email: String| format!("Zenobia,{email},Tamanrasset\n");
    let header = "firstName,email,city\n";
    let refused = upload(format!("{header}{}", row("nobody at quartermaine".to_owned()))).await;
    let address = format!("/api/imports/{refused}");
    let ended = async || Answer::of(tenant.api_key.request(Method::GET, &address)).await.body["status"] == "DONE";
    until(30, "the import ends", ended).await;
    let errors = Answer::of(tenant.api_key.request(Method::GET, &format!("{address}/errors"))).await;
    assert_eq!(errors.text.matches("nobody at quartermaine").count(), 2, "the value and the row: {}", errors.text);
    let waiting = (1..=20_000).map(|n| row(format!("zenobia{n}@quartermaine.example")));
    let waiting = upload(format!("{header}{}", waiting.collect::<String>())).await;
    app.server().kill();

    let folder = staging(&app.data());
    for file in [format!("{refused}.errors.csv"), format!("{waiting}.csv")] {
        assert!(folder.join(&file).is_file(), "{file} was expected in {}", folder.display());
    }
    let (_, found) = scan(&app.data(), &["zenobia", "quartermaine", "tamanrasset"]);
    assert!(found.is_empty(), "{found:?}");
}

/// The only organisation's folder of staged files.
fn staging(data: &Path) -> PathBuf {
    let only = |folder: PathBuf| fs::read_dir(folder).expect("a folder").next().expect("an entry").expect("it").path();
    only(only(data.join("tenants"))).join("staging")
}

/// How many database files there are (write-ahead logs included), and which of all files hold a word, in any case.
fn scan(folder: &Path, words: &[&str]) -> (usize, Vec<String>) {
    let (mut databases, mut found) = (0, Vec::new());
    for entry in fs::read_dir(folder).expect("the data folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            let (more, below) = scan(&entry, words);
            databases += more;
            found.extend(below);
            continue;
        }
        databases += usize::from(entry.to_string_lossy().contains(".db"));
        let bytes = fs::read(&entry).expect("a readable file").to_ascii_lowercase();
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| format!("{word} in {}", entry.display())));
    }
    (databases, found)
}
