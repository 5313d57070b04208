//! Somebody who copies the files cannot read customers' data in them, and no secret is written anywhere.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, Row};
use tests::{Answer, Scan, TestApp, until};
use totp_rs::{Builder, Secret};

#[tokio::test]
async fn no_customer_is_found_in_the_bytes_of_the_files() {
    if tests::postgres().is_some() {
        return; // The files are PostgreSQL's; disk encryption is the operator's.
    }
    let mut app = TestApp::spawn().await;
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
async fn what_is_kept_is_for_nobody_else_of_the_machine() {
    let app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let invite = "mutation { inviteMember(email: \"bob@example.com\", role: \"agent\") { id } }";
    tenant.data(invite, json!({})).await;
    let upload = tenant.api_key.request(Method::POST, "/api/imports?object=customer").body("name\nAda\n");
    Answer::of(upload).await;
    let lies_there = async || !app.mailbox().emails().is_empty();
    until(30, "an email", lies_there).await;
    let mut left = vec![app.data()];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        // a log of SQLite may go while we look
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        assert_eq!(about.permissions().mode() & 0o077, 0, "{}", path.display());
        seen += 1;
        if about.is_dir() {
            left.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        }
    }
    assert!(seen >= 4, "a folder, emails and more were expected, {seen} found");
}

#[tokio::test]
async fn no_customer_is_found_in_the_bytes_of_staged_files() {
    let mut app = TestApp::spawn().await;
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

    let folder = imports(&app.data());
    for file in [format!("{refused}/errors"), format!("{waiting}/source")] {
        assert!(folder.join(&file).exists(), "{file} was expected in {}", folder.display());
    }
    let (_, found) = scan(&app.data(), &["zenobia", "quartermaine", "tamanrasset"]);
    assert!(found.is_empty(), "{found:?}");
}

/// What must not appear anywhere: not in files, not in databases of either kind, not in the log at its most detailed
/// level.
#[tokio::test]
async fn no_secret_is_found_in_files_databases_or_logs() {
    let since = SystemTime::now() - Duration::from_secs(1);
    let mut app = TestApp::spawn_with(&[("CLIENTELE_LOG", "trace")]).await;
    let mut secrets = account(&app).await;
    secrets.extend(sealed_values(&app, secrets[0].clone()).await);
    let master = fs::read_to_string(app.data().join("master.key")).expect("the master key");
    secrets.push(master.trim().to_owned());
    let digits: Vec<u8> =
        master.trim().bytes().map(|digit| char::from(digit).to_digit(16).expect("hex") as u8).collect();
    let key: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect();

    let scan = Scan::of(secrets.iter().map(|secret| secret.clone().into_bytes()).chain([key]).collect());
    let passed_over = |path: &Path| path.ends_with("master.key") || path.extension().is_some_and(|end| end == "eml");
    let look = async |app: &TestApp, when: &str| {
        let (files, found) = scan.files(&app.data(), since, &passed_over);
        assert!(files > 0 && found.is_empty(), "{when}: {found:?}");
        for folder in database_folders(app).await {
            let (files, found) = scan.files(&folder, since, &|_| false);
            assert!(files > 0 && found.is_empty(), "{when}: {found:?}");
        }
    };
    look(&app, "while it runs").await;
    // the same eyes see what PostgreSQL leaves to the disk
    let plain = Scan::new(&["Plainly-Readable"]);
    assert!(plain.files(&app.data(), since, &passed_over).1.is_empty());
    for folder in database_folders(&app).await {
        assert!(!plain.files(&folder, since, &|_| false).1.is_empty(), "{} was not looked into", folder.display());
    }
    let log = app.server().log();
    let line = log.lines().find(|line| scan.find(line.as_bytes()).is_some());
    assert!(line.is_none(), "in the log: {line:?}");
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log was to be talkative");
    app.server().kill();
    look(&app, "after a crash").await;
    app.server().launch().await;
    app.server().stop();
    look(&app, "after an orderly end").await;
}

/// A person with an account, a second factor and a key: returns an owner's token, then everything that must not be
/// found anywhere.
async fn account(app: &TestApp) -> Vec<String> {
    const EMAIL: &str = "zenobia@quartermaine.example";
    let (password, other) = ("correct horse zenobia staple", "wrong horse quartermaine staple");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let anybody = app.anonymous();
    let ask = "mutation ($email: String!) { askRecovery(email: $email) { email } }";
    let signed = app.sign_up(EMAIL, password, "acme").await;
    let (access, refresh) = (text(&signed["accessToken"]), text(&signed["refreshToken"]));
    let owner = app.with_token(&access);
    let sign_in =
        "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) { accessToken } }";
    anybody.account(sign_in, json!({ "email": EMAIL, "password": other })).await.code();
    let renew = "mutation ($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken } }";
    let renewed = anybody.account(renew, json!({ "token": refresh })).await.data()["refresh"].clone();
    anybody.account(ask, json!({ "email": EMAIL })).await.data();
    let recovery = app.mailbox().take(EMAIL, "Choose a new password").await.token();
    let enrol = "mutation ($password: String!) { enrolSecondFactor(password: $password) { secret } }";
    let secret =
        text(&owner.account(enrol, json!({ "password": password })).await.data()["enrolSecondFactor"]["secret"]);
    let factor = Secret::try_from_base32(&secret).expect("base 32");
    let authenticator = Builder::new().with_secret(factor).with_account_name("x").build().expect("an authenticator");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let confirm = "mutation ($code: String!) { confirmSecondFactor(code: $code) }";
    let code = authenticator.generate(now).to_string();
    let codes = owner.account(confirm, json!({ "code": code })).await.data()["confirmSecondFactor"].clone();
    let asked = anybody.account(sign_in, json!({ "email": EMAIL, "password": password })).await;
    let challenge = text(&asked.body["errors"][0]["extensions"]["challenge"]);
    let finish = "mutation ($challenge: String!, $code: String!) {
        finishSignIn(challenge: $challenge, code: $code) { accessToken refreshToken } }";
    let variables = json!({ "challenge": challenge, "code": codes[0] });
    let again = anybody.account(finish, variables).await.data()["finishSignIn"].clone();
    let key = app.cli(&["api-key", "create", "--tenant", "acme", "--name", "tests", "--role", "admin"]);
    let key = key.printed().to_owned();
    app.with_token(&key).data("{ customers { totalCount } }", json!({})).await;
    let mut secrets = vec![text(&again["accessToken"]), access, refresh, recovery, secret, challenge, key];
    secrets.extend([&renewed["accessToken"], &renewed["refreshToken"], &again["refreshToken"]].map(text));
    secrets.extend([password, other].map(str::to_owned));
    secrets.extend([&codes[0], &codes[1]].map(text));
    secrets
}

/// Values of encrypted fields, written through every endpoint.
async fn sealed_values(app: &TestApp, token: String) -> Vec<String> {
    let owner = app.with_token(&token);
    let make = "mutation ($input: CreateFieldInput!) { createField(input: $input) { id } }";
    for (name, kind, encryption, unique) in [
        ("socialNumber", "TEXT", "SEALED_EQUALITY", true),
        ("diagnosis", "LONG_TEXT", "SEALED", false),
        ("chart", "JSON", "SEALED", false),
    ] {
        let input = json!({ "object": "customer", "name": name, "label": { "en": name }, "type": kind,
            "encryption": encryption, "unique": unique, "validation": { "max": "400" } });
        let input = if kind == "JSON" { without(input, "validation") } else { input };
        owner.data(make, json!({ "input": input })).await;
    }
    let create =
        "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id socialNumber diagnosis chart } }";
    let data = json!({ "lastName": "Plainly-Readable", "socialNumber": "Sozialnummer-One", "diagnosis": "Measles-as-created",
        "chart": { "heart": "Heartbeat-in-json" } });
    let request = owner.request(Method::POST, "/graphql").header("idempotency-key", "once");
    let made = Answer::of(request.json(&json!({ "query": create, "variables": { "data": data } }))).await.data();
    let update =
        "mutation ($id: ID!, $data: CustomerUpdateInput!) { updateCustomer(id: $id, data: $data) { diagnosis } }";
    let changed = json!({ "id": made["createCustomer"]["id"], "data": { "diagnosis": "Mumps-as-updated" } });
    owner.data(update, changed).await;
    let bulk = "mutation ($filter: CustomerFilter!, $data: CustomerUpdateInput!) {
        updateCustomers(filter: $filter, data: $data) { runId changed } }";
    let filter = json!({ "socialNumber": { "in": ["Sozialnummer-One", "Sozialnummer-Asked-For"] } });
    let bulk = owner.data(bulk, json!({ "filter": filter, "data": { "diagnosis": "Scurvy-in-bulk" } })).await;
    assert_eq!(bulk["updateCustomers"]["changed"], 1);
    let refused = json!({ "data": { "socialNumber": format!("Sozialnummer-Refused{}", "x".repeat(400)) } });
    assert_eq!(owner.code(create, refused).await, "VALIDATION_FAILED");
    let inline = "{ customers(filter: { socialNumber: { eq: \"Sozialnummer-Inline\" } }) { totalCount } }";
    owner.data(inline, json!({})).await;
    let wrong = "{ customers(filter: { socialNumber: { contains: \"Sozialnummer-Contained\" } }) { totalCount } }";
    assert_eq!(owner.code(wrong, json!({})).await, "BAD_FILTER");
    for dry in ["&dryRun=true", ""] {
        let csv = format!(
            "lastName,socialNumber,diagnosis\nA,Sozialnummer-Import,Rabies-imported\nB,Sozialnummer-Bad{},x\n",
            "x".repeat(400)
        );
        let address = format!("/api/imports?object=customer&match=socialNumber{dry}");
        let begun = Answer::of(owner.request(Method::POST, &address).body(csv)).await;
        let address = format!("/api/imports/{}", begun.body["runId"].as_str().expect("a run"));
        let ended = async || Answer::of(owner.request(Method::GET, &address)).await.body["status"] == "DONE";
        until(30, "the import ends", ended).await;
    }
    let found = "{ customers(filter: { socialNumber: { eq: \"sozialnummer-import\" } }) { nodes { diagnosis } } }";
    assert_eq!(owner.data(found, json!({})).await["customers"]["nodes"][0]["diagnosis"], "Rabies-imported");
    let said = ["One", "Asked-For", "Refused", "Inline", "Contained", "Import", "Bad"]
        .map(|end| format!("Sozialnummer-{end}"));
    let held = ["Measles-as-created", "Heartbeat-in-json", "Mumps-as-updated", "Scurvy-in-bulk", "Rabies-imported"];
    said.into_iter().chain(held.map(str::to_owned)).collect()
}

fn without(mut input: Value, name: &str) -> Value {
    input.as_object_mut().expect("a map").remove(name);
    input
}

/// Where PostgreSQL stores the application's database and its write-ahead log, after everything is flushed.
async fn database_folders(app: &TestApp) -> Vec<PathBuf> {
    let Some(url) = app.database_url() else { return Vec::new() };
    let mut connection = PgConnection::connect(&url).await.expect("the database");
    connection.execute("CHECKPOINT").await.expect("a checkpoint");
    let row = sqlx::query(
        "SELECT current_setting('data_directory'), oid::bigint FROM pg_database WHERE datname = current_database()",
    );
    let row = row.fetch_one(&mut connection).await.expect("where it is");
    let (folder, oid): (String, i64) = (row.get(0), row.get(1));
    let folder = PathBuf::from(folder);
    let folders = vec![folder.join("base").join(oid.to_string()), folder.join("pg_wal")];
    assert!(folders.iter().all(|folder| fs::read_dir(folder).is_ok()), "{folders:?} cannot be read");
    folders
}

/// The only organisation's folder of files of imports.
fn imports(data: &Path) -> PathBuf {
    let only = |folder: PathBuf| fs::read_dir(folder).expect("a folder").next().expect("an entry").expect("it").path();
    only(only(data.join("tenants"))).join("files/imports")
}

/// How many database files there are (including write-ahead logs), and which of all files contain a word, in any case.
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
