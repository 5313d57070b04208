//! Keys are rotated while everybody works: nobody is refused, nothing becomes unreadable, even if the rotation is
//! killed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp, until};
use tokio::task::JoinHandle;

const CREATE: &str = "mutation ($name: String!) { createCustomer(data: { lastName: $name }) { id } }";
const READ: &str = "{ customers(first: 5) { nodes { id lastName } totalCount } }";

/// Working clients; none of them may be refused.
struct Load {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    people: Vec<JoinHandle<()>>,
}

impl Load {
    /// Each client writes and reads in turn.
    fn of(people: Vec<Client>) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let people = people.into_iter().map(|person| {
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    person.data(CREATE, json!({ "name": "Haddad" })).await;
                    written.fetch_add(1, Ordering::SeqCst);
                    person.data(READ, json!({})).await;
                }
            })
        });
        let people = people.collect();
        Self { stop, written, people }
    }

    /// Waits until they have done more work.
    async fn goes_on(&self) {
        let now = self.written.load(Ordering::SeqCst);
        until(60, "the people go on", async || self.written.load(Ordering::SeqCst) > now + 5).await;
    }

    /// How much they wrote; fails if one was refused.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for person in self.people {
            person.await.expect("nobody was refused");
        }
        self.written.load(Ordering::SeqCst)
    }
}

async fn count(tenant: &Tenant) -> usize {
    let read = tenant.data(READ, json!({})).await;
    read["customers"]["totalCount"].as_u64().expect("a number") as usize
}

fn master_keys(data: &Path) -> Vec<String> {
    let text = fs::read_to_string(data.join("master.key")).expect("the key file");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_master_key_is_rotated_while_servers_serve() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let beside = app.beside().await;
    let owner = tenant.owner().await;
    let load = Load::of(vec![tenant.api_key.clone(), owner.clone(), owner.at(&beside), tenant.api_key.at(&beside)]);
    load.goes_on().await;
    app.cli(&["keys", "rotate", "--master"]).printed();
    load.goes_on().await;
    assert_eq!(master_keys(&app.data()).len(), 2, "the old key stays for tokens that are under way");
    let signed_in_anew = tenant.owner().await;
    assert_ne!(header(owner.token()), header(signed_in_anew.token()), "another key signs");
    signed_in_anew.at(&beside).data(READ, json!({})).await;
    owner.data(READ, json!({})).await;
    let other = app.tenant("globex");
    other.create("customer", json!({ "lastName": "Meziane" })).await;
    other.api_key.at(&beside).data(READ, json!({})).await;
    app.cli(&["keys", "rotate", "--master"]).printed();
    load.goes_on().await;
    let written = load.end().await;

    let early = app.cli(&["keys", "retire", "--master"]);
    assert!(early.code == Some(73) && early.stderr.contains("15 minutes"), "{early:?}");
    let file = File::options().write(true).open(app.data().join("master.key")).expect("the key file");
    file.set_modified(SystemTime::now() - Duration::from_secs(16 * 60)).expect("its time");
    assert_eq!(app.cli(&["keys", "retire", "--master"]).json()["retired"], 2);
    assert_eq!(master_keys(&app.data()).len(), 1);
    app.server().kill();
    app.server().launch().await;
    assert_eq!(count(&tenant).await, written);
    assert_eq!(count(&other).await, 1);
}

#[tokio::test]
async fn a_rotation_of_the_master_key_that_was_killed_is_gone_on_with() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let id = tenant.create("customer", json!({ "lastName": "Haddad" })).await;
    for _ in 0..3 {
        let before = master_keys(&app.data());
        let mut command = app.program().command(["keys", "rotate", "--master"]);
        let mut rotating = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        let begun = async || master_keys(&app.data()) != before || app.data().join("keys.lock").exists();
        until(30, "the rotation begins", begun).await;
        rotating.kill().expect("ours to kill");
        rotating.wait().expect("it ends");
        tenant.data("query ($id: ID!) { customer(id: $id) { lastName } }", json!({ "id": id })).await;
        app.server().kill();
        app.server().launch().await;
        assert_eq!(count(&tenant).await, 1);
    }
    // the new key stands in the file and nothing is under it: where a killed rotation may have stopped
    let keys = master_keys(&app.data());
    app.cli(&["keys", "rotate", "--master"]).printed();
    let text = format!("{}\n{}", "c7".repeat(32), master_keys(&app.data()).join("\n"));
    fs::write(app.data().join("master.key"), text).expect("the key file");
    tenant.create("customer", json!({ "lastName": "Haddad" })).await;
    let done = app.cli(&["keys", "rotate", "--master"]);
    assert!(done.json()["changed"].as_u64() >= Some(3), "{done:?}");
    assert_eq!(master_keys(&app.data())[0], "c7".repeat(32), "no further key was made");
    assert!(master_keys(&app.data()).len() <= keys.len() + 2);
    app.server().kill();
    app.server().launch().await;
    assert_eq!(count(&tenant).await, 2);
}

#[tokio::test]
async fn keys_that_are_configured_are_rotated_by_those_who_configure_them() {
    let key = "5a".repeat(32);
    let mut app = TestApp::spawn_with(&[("CLIENTELE_MASTER_KEY", &key)]).await;
    let tenant = app.tenant("acme");
    tenant.create("customer", json!({ "lastName": "Haddad" })).await;
    let alone = app.cli(&["keys", "rotate", "--master"]);
    assert!(alone.code == Some(65) && alone.stderr.contains("new,old"), "{alone:?}");
    app.server().kill();
    let both = app.program().with("CLIENTELE_MASTER_KEY", &format!("{},{key}", "6b".repeat(32)));
    both.run(["keys", "rotate", "--master"]).printed();
    let new = app.program().with("CLIENTELE_MASTER_KEY", &"6b".repeat(32));
    assert!(new.run(["tenant", "list"]).printed().contains("acme"));
    assert_ne!(app.cli(&["tenant", "list"]).code, Some(0), "the old key alone opens nothing");
}

fn header(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

#[tokio::test]
async fn a_destroyed_organisation_cannot_be_opened_any_more_also_from_a_copy() {
    let mut app = TestApp::spawn().await;
    let (gone, stays) = (app.tenant("acme"), app.tenant("globex"));
    for tenant in [&gone, &stays] {
        tenant.create("customer", json!({ "lastName": "Haddad" })).await;
    }
    let owner = gone.owner().await;
    let folder = only_folder_of(&app, "acme");
    let copy = app.scratch("copy");
    copy_all(&folder, &copy);

    let asked = app.cli(&["tenant", "destroy", "acme"]);
    assert!(asked.code == Some(65) && asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(count(&gone).await, 1, "nothing happened yet");
    app.cli(&["tenant", "destroy", "acme", "--yes"]).printed();
    assert!(!folder.exists());
    for actor in [&gone.api_key, &owner] {
        let refused = async || actor.graphql(READ, json!({})).await.body["data"]["customers"].is_null();
        until(10, "the running server serves it no more", refused).await;
    }
    until(10, "its key is unknown", async || gone.graphql(READ, json!({})).await.status == 401).await;
    assert_eq!(count(&stays).await, 1);

    app.server().kill();
    copy_all(&copy, &folder);
    app.server().launch().await;
    assert_eq!(gone.graphql(READ, json!({})).await.status, 401);
    assert_eq!(app.cli(&["tenant", "destroy", "acme", "--yes"]).code, Some(66));
    let anew = app.tenant("acme");
    assert_eq!(count(&anew).await, 0);
    assert_eq!(count(&stays).await, 1);
}

/// The folder of an organisation.
fn only_folder_of(app: &TestApp, slug: &str) -> PathBuf {
    let listed = app.cli(&["tenant", "list"]);
    let lines = listed.printed().lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let tenant = lines.into_iter().find(|tenant| tenant["slug"] == slug).expect("the organisation");
    let id = tenant["id"].as_str().expect("an id").to_owned();
    app.data().join("tenants").join(&id[id.len() - 2..]).join(id)
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

const SECRET: &str = "query ($number: String!) { customers(filter: { socialNumber: { eq: $number } }) {
    nodes { id diagnosis history(first: 3) { nodes { changes { field from to } } } } } }";

/// Writes, changes and reads encrypted values until told to stop; nobody may be refused.
fn secretive(person: Client, stop: Arc<AtomicBool>, written: Arc<AtomicUsize>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let create = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
        let update = "mutation ($id: ID!) { updateCustomer(id: $id, data: { diagnosis: \"Mumps\" }) { id } }";
        while !stop.load(Ordering::SeqCst) {
            let number = uuid::Uuid::now_v7().to_string();
            let data = json!({ "lastName": "Haddad", "socialNumber": number, "diagnosis": "Measles" });
            let made = person.data(create, json!({ "data": data })).await;
            person.data(update, json!({ "id": made["createCustomer"]["id"] })).await;
            let read = person.data(SECRET, json!({ "number": number })).await["customers"]["nodes"][0].clone();
            let change = json!({ "field": "diagnosis", "from": "Measles", "to": "Mumps" });
            assert_eq!((&read["diagnosis"], &read["history"]["nodes"][0]["changes"][0]), (&json!("Mumps"), &change));
            written.fetch_add(1, Ordering::SeqCst);
        }
    })
}

#[tokio::test]
async fn data_keys_are_rotated_and_retired_while_servers_serve() {
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    crate::sealed::secrets(&tenant).await;
    let known = json!({ "lastName": "Zenobia", "socialNumber": "4711", "diagnosis": "Measles" });
    let id = tenant.create("customer", known).await;
    let change = "mutation ($id: ID!) { updateCustomer(id: $id, data: { diagnosis: \"Flu\" }) { id } }";
    tenant.data(change, json!({ "id": id })).await;
    let beside = app.beside().await;
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let people =
        [tenant.api_key.clone(), tenant.api_key.at(&beside), tenant.api_key.clone(), tenant.api_key.at(&beside)];
    let people = people.map(|person| secretive(person, Arc::clone(&stop), Arc::clone(&written)));
    let load = Load { stop, written, people: people.into() };
    load.goes_on().await;
    assert_eq!(app.cli(&["keys", "rotate", "--tenant", "acme"]).json()["dataKey"], "00000002");
    load.goes_on().await;
    // a rotation that is killed anywhere is gone on with
    let mut command = app.program().command(["keys", "rotate", "--tenant", "all"]);
    let mut rotating = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    until(30, "it begins", async || app.data().join("keys.lock").exists()).await;
    rotating.kill().expect("ours to kill");
    rotating.wait().expect("it ends");
    load.goes_on().await;
    app.cli(&["keys", "rotate", "--tenant", "all"]).printed();
    load.goes_on().await;
    let early = app.cli(&["keys", "retire", "--tenant", "acme"]);
    assert!(early.code == Some(73) && early.stderr.contains("seconds"), "{early:?}");
    until(60, "the old keys can go", async || app.cli(&["keys", "retire", "--tenant", "acme"]).code == Some(0)).await;
    load.goes_on().await;
    load.end().await;

    app.server().kill();
    app.server().launch().await;
    let read = tenant.data(SECRET, json!({ "number": "4711" })).await["customers"]["nodes"][0].clone();
    let change = json!({ "field": "diagnosis", "from": "Measles", "to": "Flu" });
    assert_eq!((&read["diagnosis"], &read["history"]["nodes"][0]["changes"][0]), (&json!("Flu"), &change), "{read}");
    let all =
        "{ customers(filter: { diagnosis: { isNull: false } }, first: 200) { nodes { diagnosis socialNumber } } }";
    let all = tenant.data(all, json!({})).await["customers"]["nodes"].as_array().expect("nodes").clone();
    assert!(all.iter().all(|one| one["diagnosis"] == "Mumps" || one["socialNumber"] == "4711"), "{all:?}");
}

#[tokio::test]
async fn sealing_anew_goes_on_after_a_crash() {
    use std::fmt::Write;
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    crate::sealed::secrets(&tenant).await;
    let mut csv = "lastName,socialNumber,diagnosis\n".to_owned();
    (0..4_000).for_each(|row| writeln!(csv, "Haddad,{row},Measles {row}").expect("memory"));
    let file = app.scratch("many.csv");
    fs::write(&file, csv).expect("a file");
    app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file.display().to_string()]).printed();
    app.cli(&["keys", "rotate", "--tenant", "acme"]).printed();
    // the server's workers have just begun
    app.server().kill();
    app.server().launch().await;
    until(60, "the old key can go", async || app.cli(&["keys", "retire", "--tenant", "acme"]).code == Some(0)).await;
    app.server().kill();
    app.server().launch().await;
    for row in [0, 1_999, 3_999] {
        let read = tenant.data(SECRET, json!({ "number": row.to_string() })).await;
        assert_eq!(read["customers"]["nodes"][0]["diagnosis"], format!("Measles {row}"));
    }
    assert_eq!(count(&tenant).await, 4_000);
}
