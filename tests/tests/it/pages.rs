//! The pages that links in emails lead to, filled in as a person would.

use std::process::Command;

use serde_json::{Value, json};
use tests::{Client, Email, TestApp, workspace};

use crate::factors;

const PASSWORD: &str = "a long enough passphrase";

/// The final message of the page behind an email's link, or its error.
fn follow(app: &TestApp, message: &Email, values: Value) -> Result<String, String> {
    open(app, &format!("{}#{}", page(message), message.token()), values)
}

/// `confirm`, `recover` and so on: the link's page.
fn page(message: &Email) -> &str {
    let link = message.text.split_whitespace().find(|word| word.starts_with("http")).expect("a link");
    link.split_once("/account/").expect("a page").1.split('#').next().expect("its name")
}

fn open(app: &TestApp, page: &str, values: Value) -> Result<String, String> {
    open_in("en-GB", app, page, values)
}

fn open_in(language: &str, app: &TestApp, page: &str, values: Value) -> Result<String, String> {
    let folder = workspace::file("tests/protocol");
    assert!(folder.join("node_modules/playwright-core").is_dir(), "`make protocol` installs what drives the browser");
    let mut node = Command::new("node");
    node.arg("pages.mjs").current_dir(folder).env("PAGE_LANGUAGES", language);
    node.env("PAGE_URL", app.anonymous().url(&format!("/account/{page}"))).env("PAGE_VALUES", values.to_string());
    let ran = node.output().expect("node is installed");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
}

async fn signed_in(app: &TestApp, email: &str, password: &str) -> Client {
    let query =
        "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) { accessToken } }";
    let signed = app.anonymous().account(query, json!({ "email": email, "password": password })).await.data();
    app.with_token(signed["signIn"]["accessToken"].as_str().expect("a token"))
}

#[tokio::test]
async fn links_in_emails_lead_to_pages_that_work() {
    let app = TestApp::start().await;
    let organisation = json!({ "slug": "acme", "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
        "currency": "DZD", "language": "en" });
    let input = json!({ "firstName": "Ada", "lastName": "L", "email": "ada@example.com", "password": PASSWORD,
        "organisation": organisation });
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
    app.anonymous().account(query, json!({ "input": input })).await.data();
    let message = app.mailbox().take("ada@example.com", "Confirm your email address").await;
    let reported = follow(&app, &message, json!({ "password": "not the passphrase" })).expect_err("another password");
    assert!(reported.contains("password is wrong"), "{reported}");
    let link = format!("confirm#{}", message.token());
    let reported =
        open_in("fr-FR", &app, &link, json!({ "password": "not the passphrase" })).expect_err("another password");
    assert!(reported.contains("le mot de passe est incorrect"), "{reported}");
    let done = Ok("Done. You can sign in now.".to_owned());
    assert_eq!(follow(&app, &message, json!({ "password": PASSWORD })), done);

    let mailed = open(&app, "forgotten", json!({ "email": "ada@example.com" })).expect("an email");
    assert!(mailed.contains("sent it an email"), "{mailed}");
    let message = app.mailbox().take("ada@example.com", "Choose a new password").await;
    assert!(follow(&app, &message, json!({ "newPassword": "short" })).expect_err("too short").contains("10"));
    let link = format!("recover#{}", message.token());
    let reported = open_in("es-ES", &app, &link, json!({ "newPassword": "short" })).expect_err("too short");
    assert!(
        reported.contains("caracteres"),
        "what is wrong with a field is told in the language of the page: {reported}"
    );
    assert_eq!(follow(&app, &message, json!({ "newPassword": "another long passphrase" })), done);

    let query =
        "mutation { signIn(email: \"ada@example.com\", password: \"another long passphrase\") { accessToken } }";
    let signed = app.anonymous().account(query, json!({})).await.data();
    let ada = app.with_token(signed["signIn"]["accessToken"].as_str().expect("a token"));
    let change = "mutation { changeEmail(password: \"another long passphrase\", email: \"ada@new.example\") }";
    ada.account(change, json!({})).await.data();
    let new = app.mailbox().take("ada@new.example", "Confirm your new email address").await;
    assert!(follow(&app, &new, json!({})).expect("noted").contains("other address"));
    let old = app.mailbox().take("ada@example.com", "Your email address will change").await;
    assert_eq!(follow(&app, &old, json!({})), done);

    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    for (email, values) in [
        ("bob@example.com", json!({ "firstName": "Bob", "lastName": "Ross", "password": PASSWORD })),
        ("eve@example.com", json!({ "known": true, "email": "eve@example.com", "password": PASSWORD })),
    ] {
        let invite = "mutation ($email: String!) { inviteMember(email: $email, role: \"viewer\") { id } }";
        ada.data(invite, json!({ "email": email })).await;
        let message = app.mailbox().take(email, "Invitation to Acme").await;
        assert_eq!(follow(&app, &message, values), done, "{email}");
    }
    let eve = signed_in(&app, "eve@example.com", PASSWORD).await;
    let (_, codes) = factors::two_factors(&eve).await;
    let query =
        "mutation { createOrganisation(input: { slug: \"more\", name: \"More\", country: \"DZ\", timeZone: \"UTC\",
        currency: \"DZD\", language: \"en\" }) { role } }";
    ada.account(query, json!({})).await.data();
    let more = app.cli(&["api-key", "create", "--tenant", "more", "--name", "tests", "--role", "admin"]);
    let invite = "mutation { inviteMember(email: \"eve@example.com\", role: \"viewer\") { id } }";
    app.with_token(more.printed()).data(invite, json!({})).await;
    let message = app.mailbox().take("eve@example.com", "Invitation to More").await;
    let password = json!({ "known": true, "email": "eve@example.com", "password": PASSWORD });
    let reported = follow(&app, &message, password.clone()).expect_err("a second factor");
    assert!(reported.contains("authentication code"), "{reported}");
    assert_eq!(follow(&app, &message, json!([password, { "code": codes[0] }])), done);
    for cut in ["recover", "recover#100%"] {
        let reported = open(&app, cut, json!({ "newPassword": PASSWORD })).expect_err("a link without its token");
        assert!(reported.contains("incomplete"), "{reported}");
    }
    let both = json!({ "email": "someone@example.com" });
    let hidden = open(&app, "invitation#x", both).expect_err("who is new says no address: they were invited by it");
    assert!(hidden.contains("does not show email"), "{hidden}");
}

#[tokio::test]
async fn a_short_name_that_was_taken_meanwhile_is_asked_for_anew() {
    let app = TestApp::start().await;
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
    for email in ["ada@example.com", "bob@example.com"] {
        let organisation = json!({ "slug": "acme", "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
            "currency": "DZD", "language": "en" });
        let input = json!({ "firstName": "A", "lastName": "L", "email": email, "password": PASSWORD,
            "organisation": organisation });
        app.anonymous().account(query, json!({ "input": input })).await.data();
    }
    let message = app.mailbox().take("ada@example.com", "Confirm your email address").await;
    follow(&app, &message, json!({ "password": PASSWORD })).expect("the first of them has it");
    let message = app.mailbox().take("bob@example.com", "Confirm your email address").await;
    let reported = follow(&app, &message, json!({ "password": PASSWORD })).expect_err("taken");
    assert!(reported.contains("short name"), "{reported}");
    let steps = json!([{ "password": PASSWORD }, { "slug": "acme-two" }]);
    assert_eq!(follow(&app, &message, steps), Ok("Done. You can sign in now.".to_owned()));
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_stand_in_no_frame() {
    let app = TestApp::start().await;
    for (path, media) in [
        ("/account/confirm", "text/html; charset=utf-8"),
        ("/account/recover", "text/html; charset=utf-8"),
        ("/account/page.js", "text/javascript; charset=utf-8"),
        ("/account/ask.js", "text/javascript; charset=utf-8"),
        ("/account/words.js", "text/javascript; charset=utf-8"),
        ("/account/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = reqwest::get(app.anonymous().url(path)).await.expect("an answer");
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!((answer.status().as_u16(), header("content-type").as_str()), (200, media));
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && header("referrer-policy") == "no-referrer");
    }
    assert_eq!(reqwest::get(app.anonymous().url("/account/nowhere")).await.expect("an answer").status(), 404);
}
