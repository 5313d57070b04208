//! Work that was given up is listed, for people to try again or to discard. An email that the mail server refuses for
//! good is such work; `late@…` is refused once, `nobody@…` always.

use serde_json::{Value, json};
use tests::{Client, MAIL_PASSWORD, MailServer, Tenant, TestApp, until};

use crate::access;

const LIST: &str = "query ($first: Int, $after: ID) { failedJobs(first: $first, after: $after) {
    id queue attempts error failedAt createdAt subject } }";
const RETRY: &str = "mutation ($id: ID!) { retryJob(id: $id) }";
const DISCARD: &str = "mutation ($id: ID!) { discardJob(id: $id) }";

/// An application that hands its emails to a server.
async fn start(server: &MailServer) -> TestApp {
    let ca = server.certificate().display().to_string();
    TestApp::spawn_with(&[
        ("CLIENTELE_SMTP_URL", &server.starttls()),
        ("CLIENTELE_SMTP_PASSWORD", MAIL_PASSWORD),
        ("CLIENTELE_SMTP_CA", &ca),
        ("CLIENTELE_MAIL_FROM", "Clientèle <no-reply@crm.example>"),
    ])
    .await
}

async fn invite(tenant: &Tenant, email: &str) {
    let query = "mutation ($email: String!) { inviteMember(email: $email, role: \"agent\") { id } }";
    tenant.data(query, json!({ "email": email })).await;
}

async fn failed(client: &Client) -> Vec<Value> {
    client.data(LIST, json!({})).await["failedJobs"].as_array().expect("a list").clone()
}

/// The failed jobs, once there are so many.
async fn given_up(tenant: &Tenant, count: usize) -> Vec<Value> {
    until(30, "the work is given up", async || failed(&tenant.api_key).await.len() == count).await;
    failed(&tenant.api_key).await
}

#[tokio::test]
async fn given_up_work_is_told_and_done_when_it_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = start(&server).await;
    let tenant = app.tenant("acme");
    assert_eq!(failed(&tenant.api_key).await, [json!(null); 0]);
    invite(&tenant, "late@example.com").await;
    let job = given_up(&tenant, 1).await.remove(0);
    assert_eq!(job["attempts"], 1, "{job}");
    let error = job["error"].as_str().expect("an error");
    assert!(error.contains("550") && !error.contains("late@example.com"), "{error}");
    assert!(job["failedAt"].as_str().expect("an instant") >= job["createdAt"].as_str().expect("an instant"), "{job}");
    assert!(server.received().is_empty());

    assert_eq!(tenant.data(RETRY, json!({ "id": job["id"] })).await, json!({ "retryJob": true }));
    until(30, "the email arrives", async || server.received().len() == 1).await;
    assert_eq!(server.received()[0].message.to, "late@example.com");
    until(30, "it is no longer listed", async || failed(&tenant.api_key).await.is_empty()).await;
    for query in [RETRY, DISCARD] {
        assert_eq!(tenant.code(query, json!({ "id": job["id"] })).await, "NOT_FOUND", "{query}");
    }
}

#[tokio::test]
async fn what_fails_again_is_listed_again_until_it_is_discarded() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = start(&server).await;
    let tenant = app.tenant("acme");
    invite(&tenant, "nobody@one.example").await;
    let first = given_up(&tenant, 1).await.remove(0);
    invite(&tenant, "nobody@two.example").await;
    let both = given_up(&tenant, 2).await;
    assert_eq!(both[1]["id"], first["id"], "the newest first");
    let page =
        async |after: Value| tenant.data(LIST, json!({ "first": 1, "after": after })).await["failedJobs"].clone();
    assert_eq!(page(Value::Null).await, json!([both[0]]));
    assert_eq!(page(both[0]["id"].clone()).await, json!([both[1]]));
    assert_eq!(page(both[1]["id"].clone()).await, json!([]));

    let failed_at = first["failedAt"].as_str().expect("an instant");
    tenant.data(RETRY, json!({ "id": first["id"] })).await;
    let later = async || {
        let all = failed(&tenant.api_key).await;
        all.len() == 2 && all.iter().all(|job| job["failedAt"].as_str().is_some_and(|at| at > failed_at))
    };
    until(30, "it has failed again", later).await;
    for job in failed(&tenant.api_key).await {
        assert_eq!(tenant.data(DISCARD, json!({ "id": job["id"] })).await, json!({ "discardJob": true }));
    }
    assert_eq!(failed(&tenant.api_key).await, [json!(null); 0]);
}

#[tokio::test]
async fn it_is_for_those_who_administer_the_same_organisation() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = start(&server).await;
    let (tenant, other) = (app.tenant("acme"), app.tenant("other"));
    invite(&tenant, "nobody@example.com").await;
    let job = given_up(&tenant, 1).await.remove(0);
    assert_eq!(failed(&other.api_key).await, [json!(null); 0]);
    let agent = access::program(&app, &tenant, "agent");
    assert_eq!(agent.code(LIST, json!({})).await, "FORBIDDEN");
    for query in [RETRY, DISCARD] {
        assert_eq!(other.code(query, json!({ "id": job["id"] })).await, "NOT_FOUND", "{query}");
        assert_eq!(agent.code(query, json!({ "id": job["id"] })).await, "FORBIDDEN", "{query}");
    }
    assert_eq!(failed(&tenant.api_key).await.len(), 1);
}

#[tokio::test]
async fn operators_list_and_try_again_on_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = start(&server).await;
    let (tenant, _other) = (app.tenant("acme"), app.tenant("other"));
    invite(&tenant, "late@example.com").await;
    let job = given_up(&tenant, 1).await.remove(0);
    let (id, queue) = (job["id"].as_str().expect("an id"), job["queue"].as_str().expect("a queue"));
    for arguments in [&["jobs", "list"][..], &["jobs", "list", "--tenant", "acme"]] {
        let ran = app.cli(arguments);
        let listed = ran.printed();
        assert!(listed.contains(id) && listed.contains(queue) && listed.contains("550"), "{arguments:?}: {listed}");
    }
    assert!(!app.cli(&["jobs", "list", "--tenant", "other"]).printed().contains(id));
    let measures =
        async || reqwest::get(tenant.api_key.url("/metrics")).await.expect("measures").text().await.expect("text");
    let failed_line = format!("clientele_jobs_failed{{queue=\"{queue}\"}} 1");
    until(10, "the measure tells it", async || measures().await.contains(&failed_line)).await;
    assert!(measures().await.contains("# TYPE clientele_jobs_waiting gauge"));

    assert_eq!(app.cli(&["jobs", "retry", id, "--tenant", "other"]).code, Some(66), "not theirs");
    app.cli(&["jobs", "retry", id, "--tenant", "acme"]).printed();
    until(30, "the email arrives", async || server.received().len() == 1).await;
    let gone = async || !app.cli(&["jobs", "list"]).printed().contains(id);
    until(30, "it is no longer listed", gone).await;
    assert_eq!(app.cli(&["jobs", "retry", id, "--tenant", "acme"]).code, Some(66), "it is no longer there");
}

#[tokio::test]
async fn work_of_no_organisation_is_listed_for_operators() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = start(&server).await;
    let organisation = json!({ "slug": "acme", "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
        "currency": "DZD", "language": "en" });
    let input = json!({ "firstName": "Ada", "lastName": "L", "email": "nobody@example.com",
        "password": "a long enough passphrase", "organisation": organisation });
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
    app.anonymous().account(query, json!({ "input": input })).await.data();
    let listed = async || app.cli(&["jobs", "list"]).printed().contains("550");
    until(30, "the email is given up and listed", listed).await;
    assert!(!app.cli(&["jobs", "list"]).printed().contains("nobody@example.com"));
    let job = app.cli(&["jobs", "list"]).json();
    let id = job["id"].as_str().expect("an id");
    assert_eq!(app.cli(&["jobs", "retry", id]).json()["tenant"], Value::Null);
    let again = async || {
        let listed = app.cli(&["jobs", "list"]);
        listed.printed().contains(id) && listed.json()["failedAt"] != job["failedAt"]
    };
    until(30, "it is given up again", again).await;

    let tenant = app.tenant("other");
    invite(&tenant, "late@example.com").await;
    let job = given_up(&tenant, 1).await.remove(0);
    let id = job["id"].as_str().expect("an id");
    assert_eq!(app.cli(&["jobs", "retry", id]).json()["tenant"], "other", "it is looked for");
    until(30, "the email arrives", async || server.received().len() == 1).await;
    assert_eq!(app.cli(&["jobs", "retry", id]).code, Some(66), "it is no longer there");
}
