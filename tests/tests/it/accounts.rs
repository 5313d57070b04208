//! Signing up and in: real people with real passwords, tokens for one organisation.

use serde_json::{Value, json};
use tests::{Answer, Client, TestApp};

const SIGN_UP: &str = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
const CONFIRM: &str = "mutation ($token: String!, $password: String!, $slug: String) {
    confirmSignUp(token: $token, password: $password, slug: $slug) { accessToken organisation { slug } } }";
const SIGN_IN: &str = "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) {
    accessToken refreshToken memberships { role organisation { slug } } } }";
const REFRESH: &str = "mutation ($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken } }";
const ASK: &str = "mutation ($email: String!) { askRecovery(email: $email) { email } }";
const RECOVER: &str = "mutation ($token: String!, $password: String!) { recover(token: $token, password: $password) }";

const CONFIRM_SUBJECT: &str = "Confirm your email address";
const RECOVER_SUBJECT: &str = "Choose a new password";
const PASSWORD: &str = "a long enough passphrase";

#[tokio::test]
async fn who_signs_up_owns_an_organisation() {
    let app = TestApp::start().await;
    let signed = app.sign_up("ada@example.com", PASSWORD, "acme").await;
    assert_eq!(signed["organisation"], json!({ "slug": "acme", "currency": "DZD", "timeZone": "Africa/Algiers" }));
    assert_eq!(signed["memberships"][0], json!({ "role": "owner", "organisation": { "slug": "acme" } }));

    let owner = app.with_token(signed["accessToken"].as_str().expect("a token"));
    let me = owner.account("{ me { user { email firstName } } }", json!({})).await.data();
    assert_eq!(me["me"]["user"], json!({ "email": "ada@example.com", "firstName": "Ada" }));
    assert_eq!(app.anonymous().account("{ me { user { email } } }", json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn nobody_exists_before_the_link_and_the_password() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    sign_up(&anonymous, "ada@example.com", "acme").await.data();
    let message = app.mailbox().take("ada@example.com", CONFIRM_SUBJECT).await;
    assert!(message.html.contains(&message.token()) && !message.text.contains("Ada"), "{message:?}");
    assert_eq!(sign_in(&anonymous, "ada@example.com", PASSWORD).await.code(), "BAD_CREDENTIALS");
    let confirm = async |token: &str, password: &str, slug: Option<&str>| {
        anonymous.account(CONFIRM, json!({ "token": token, "password": password, "slug": slug })).await
    };
    let token = message.token();
    let changed = token.replace(&token[token.len() - 4..], "AAAA");
    for wrong in ["", ".", "x.y", &changed, &"x".repeat(10_000)] {
        assert_eq!(confirm(wrong, PASSWORD, None).await.code(), "LINK_EXPIRED", "{wrong}");
    }
    assert_eq!(confirm(&token, "another passphrase", None).await.code(), "BAD_CREDENTIALS", "a stranger's click");
    app.sign_up("bob@example.com", PASSWORD, "acme").await;
    assert_eq!(confirm(&token, PASSWORD, None).await.code(), "VALIDATION_FAILED", "the slug was taken meanwhile");
    let signed = confirm(&token, PASSWORD, Some("acme-two")).await.data();
    assert_eq!(signed["confirmSignUp"]["organisation"]["slug"], "acme-two");
    assert_eq!(confirm(&token, PASSWORD, Some("acme-three")).await.code(), "LINK_EXPIRED", "it served");
    sign_in(&anonymous, "ada@example.com", PASSWORD).await.data();
}

#[tokio::test]
async fn signing_up_tells_nobody_who_has_an_account() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.sign_up("ada@example.com", PASSWORD, "acme").await;
    let known = sign_up(&anonymous, "ada@example.com", "other").await.text;
    let unknown = sign_up(&anonymous, "bob@example.com", "other").await.text;
    assert_eq!(known.replace("ada@", "bob@"), unknown);
    let message = app.mailbox().take("ada@example.com", "You already have an account").await;
    assert!(message.text.contains("/account/forgotten") && !message.text.contains('#'), "{message:?}");
    app.mailbox().take("bob@example.com", CONFIRM_SUBJECT).await;
    for _ in 0..8 {
        sign_up(&anonymous, "bob@example.com", "other").await.data();
    }
    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    let more = app.mailbox().emails().iter().filter(|message| message.to == "bob@example.com").count();
    assert_eq!(more, 4, "nobody is flooded with emails");
}

#[tokio::test]
async fn what_is_taken_weak_or_wrong_is_refused() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.sign_up("ada@example.com", PASSWORD, "acme").await;
    assert_eq!(sign_up(&anonymous, "bob@example.com", "ACME").await.code(), "VALIDATION_FAILED");
    let taken = sign_up(&anonymous, "bob@example.com", "acme").await;
    let reported = &taken.body["errors"][0]["extensions"]["fields"][0];
    assert_eq!(
        (&reported["field"], &reported["code"]),
        (&json!("organisation.slug"), &json!("TAKEN")),
        "{}",
        taken.text
    );
    for (field, value) in [
        ("password", "short"),
        ("password", &"long".repeat(40)),
        ("email", "bob"),
        ("email", "bob@example.com\r\nBcc: all@example.com"),
        ("email", "Bob <bob@example.com>"),
        ("email", &format!("{}@example.com", "b".repeat(300))),
        ("firstName", "Bob\nBcc: all"),
        ("lastName", &"b".repeat(101)),
        ("firstName", " "),
        ("lastName", "Ada\u{202e}adA"),
    ] {
        let mut input = input("bob@example.com", "bobs");
        input[field] = json!(value);
        let refused = anonymous.account(SIGN_UP, json!({ "input": input })).await;
        assert_eq!(refused.body["errors"][0]["extensions"]["fields"][0]["field"], field, "{}", refused.text);
    }
    for name in ["", "Acme\nYour account is locked", "Acme\u{2028}"] {
        let mut input = input("bob@example.com", "bobs");
        input["organisation"]["name"] = json!(name);
        let refused = anonymous.account(SIGN_UP, json!({ "input": input })).await;
        assert_eq!(refused.body["errors"][0]["extensions"]["fields"][0]["field"], "organisation.name", "{name:?}");
    }
    let wrong = sign_in(&anonymous, "ada@example.com", "not the passphrase").await;
    let nobody = sign_in(&anonymous, "nobody@example.com", "not the passphrase").await;
    assert_eq!(
        (wrong.code(), &wrong.body),
        ("BAD_CREDENTIALS".to_owned(), &nobody.body),
        "as if nobody had the address"
    );
}

#[tokio::test]
async fn a_refresh_token_serves_once() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.sign_up("ada@example.com", PASSWORD, "acme").await;
    let signed = sign_in(&anonymous, "Ada@Example.com", PASSWORD).await.data()["signIn"].clone();
    let refresh = async |token: &Value| anonymous.account(REFRESH, json!({ "token": token })).await;
    let renewed = refresh(&signed["refreshToken"]).await.data()["refresh"].clone();
    assert_ne!(renewed["refreshToken"], signed["refreshToken"]);
    assert_eq!(refresh(&signed["refreshToken"]).await.code(), "UNAUTHENTICATED", "it was used");
    assert_eq!(refresh(&renewed["refreshToken"]).await.code(), "UNAUTHENTICATED", "reuse ends the session");
    let ended = app.with_token(renewed["accessToken"].as_str().expect("a token"));
    assert_eq!(ended.account("{ me { user { id } } }", json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(ended.code("{ customers { totalCount } }", json!({})).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn who_forgot_the_password_recovers_by_mail() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let old = app.sign_up("ada@example.com", PASSWORD, "acme").await;
    let ask = async |email: &str| anonymous.account(ASK, json!({ "email": email })).await;
    let recover = async |token: &str, password: &str| {
        anonymous.account(RECOVER, json!({ "token": token, "password": password })).await
    };
    assert_eq!(ask("nobody").await.code(), "VALIDATION_FAILED");
    let (known, unknown) = (ask("Ada@example.com").await.text, ask("Bob@example.com").await.text);
    assert_eq!(known.replace("Ada@", "Bob@"), unknown);
    let first = app.mailbox().take("ada@example.com", RECOVER_SUBJECT).await.token();
    ask("ada@example.com").await.data();
    let second = app.mailbox().take("ada@example.com", RECOVER_SUBJECT).await.token();

    assert_eq!(recover(&first, "short").await.code(), "VALIDATION_FAILED");
    assert_eq!(recover("x.y", "short").await.code(), "LINK_EXPIRED", "who has no link has no password judged");
    assert_eq!(recover(&first, "another long passphrase").await.data(), json!({ "recover": true }));
    for served in [&first, &second, &first.replace('.', ".."), &String::new()] {
        assert_eq!(recover(served, "a third long passphrase").await.code(), "LINK_EXPIRED", "{served}");
    }
    let token = old["accessToken"].as_str().expect("a token");
    assert_eq!(app.with_token(token).account("{ me { user { id } } }", json!({})).await.code(), "UNAUTHENTICATED");
    let renewed = anonymous.account(REFRESH, json!({ "token": old["refreshToken"] })).await;
    assert_eq!(renewed.code(), "UNAUTHENTICATED", "all sessions ended");
    assert_eq!(sign_in(&anonymous, "ada@example.com", PASSWORD).await.code(), "BAD_CREDENTIALS");
    sign_in(&anonymous, "ada@example.com", "another long passphrase").await.data();
    app.mailbox().take("ada@example.com", "Your password was changed").await;
    assert!(app.mailbox().emails().iter().all(|message| message.to == "ada@example.com"), "nobody else was written to");
}

#[tokio::test]
async fn a_link_takes_ten_wrong_passwords() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    sign_up(&anonymous, "ada@example.com", "acme").await.data();
    let token = app.mailbox().take("ada@example.com", CONFIRM_SUBJECT).await.token();
    let confirm =
        async |password: &str| anonymous.account(CONFIRM, json!({ "token": token, "password": password })).await.code();
    for n in 0..10 {
        assert_eq!(confirm(&format!("wrong password {n}")).await, "BAD_CREDENTIALS");
    }
    assert_eq!(confirm(PASSWORD).await, "LINK_EXPIRED");
    app.sign_up("ada@example.com", PASSWORD, "acme").await;
}

#[tokio::test]
async fn who_recovers_does_not_wait_for_those_who_guessed() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.sign_up("ada@example.com", PASSWORD, "acme").await;
    for n in 0..11 {
        sign_in(&anonymous, "ada@example.com", &format!("guess number {n}")).await.code();
    }
    assert_eq!(sign_in(&anonymous, "ada@example.com", PASSWORD).await.code(), "RATE_LIMITED");
    anonymous.account(ASK, json!({ "email": "ada@example.com" })).await.data();
    let token = app.mailbox().take("ada@example.com", RECOVER_SUBJECT).await.token();
    anonymous.account(RECOVER, json!({ "token": token, "password": "another long passphrase" })).await.data();
    sign_in(&anonymous, "ada@example.com", "another long passphrase").await.data();
}

#[tokio::test]
async fn one_address_does_not_have_emails_sent_to_everybody() {
    let app = TestApp::start().await;
    let ask = async |n: u32| {
        let query = format!("mutation {{ askRecovery(email: \"p{n}@example.com\") {{ email }} }}");
        app.anonymous().account(&query, json!({})).await
    };
    for n in 0..100 {
        ask(n).await.data();
    }
    let refused = ask(100).await;
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert!(refused.body["errors"][0]["extensions"]["retryAfterMs"].as_u64() > Some(1000), "{}", refused.text);
    assert_eq!(sign_up(&app.anonymous(), "ada@example.com", "acme").await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn emails_that_wait_survive_a_power_cut() {
    let mut app = TestApp::spawn_with(&[("CLIENTELE_WORKERS", "0")]).await;
    sign_up(&app.anonymous(), "ada@example.com", "acme").await.data();
    assert_eq!(app.mailbox().emails().len(), 0, "nobody works");
    app.server().kill();
    let working = app.beside_with(&[("CLIENTELE_WORKERS", "2")]).await;
    app.mailbox().take("ada@example.com", CONFIRM_SUBJECT).await;
    assert!(working.log().contains("no smtp_url is set"), "{}", working.log());
}

#[tokio::test]
async fn the_log_holds_no_person_and_no_secret() {
    let mut app = TestApp::spawn_with(&[("CLIENTELE_LOG", "trace")]).await;
    let anonymous = app.anonymous();
    sign_up(&anonymous, "zenobia@example.com", "other").await.data();
    let waiting = app.mailbox().take("zenobia@example.com", CONFIRM_SUBJECT).await.token();
    let signed = app.sign_up("zenobia@example.com", PASSWORD, "acme").await;
    sign_in(&anonymous, "zenobia@example.com", "a wrong passphrase").await.code();
    let log = app.server().log();
    let token = signed["refreshToken"].as_str().expect("a token");
    for secret in ["zenobia", PASSWORD, "a wrong passphrase", token, &waiting] {
        let line = log.lines().find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
        assert!(line.is_none(), "{line:?}");
    }
}

fn input(email: &str, slug: &str) -> Value {
    let organisation = json!({ "slug": slug, "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
        "currency": "DZD", "language": "en" });
    json!({ "firstName": "Ada", "lastName": "L", "email": email, "password": PASSWORD, "organisation": organisation })
}

async fn sign_up(client: &Client, email: &str, slug: &str) -> Answer {
    client.account(SIGN_UP, json!({ "input": input(email, slug) })).await
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client.account(SIGN_IN, json!({ "email": email, "password": password })).await
}
