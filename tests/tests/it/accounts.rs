//! Signing up and in: real people with real passwords, tokens for one organisation.

use serde_json::{Value, json};
use tests::{Answer, Client, TestApp};

const SIGN_UP: &str = "mutation ($input: SignUpInput!) { signUp(input: $input) {
    accessToken refreshToken organisation { slug currency timeZone } memberships { role organisation { slug } } } }";
const SIGN_IN: &str = "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) {
    accessToken refreshToken memberships { role organisation { slug } } } }";
const REFRESH: &str = "mutation ($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken } }";

#[tokio::test]
async fn who_signs_up_owns_an_organisation() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let signed = sign_up(&anonymous, "ada@example.com", "acme").await.data()["signUp"].clone();
    assert_eq!(signed["organisation"], json!({ "slug": "acme", "currency": "DZD", "timeZone": "Africa/Algiers" }));
    assert_eq!(signed["memberships"][0]["organisation"]["slug"], "acme");

    let owner = app.with_token(signed["accessToken"].as_str().expect("a token"));
    let me = owner.account("{ me { user { email firstName } } }", json!({})).await.data();
    assert_eq!(me["me"]["user"], json!({ "email": "ada@example.com", "firstName": "Ada" }));
    assert_eq!(anonymous.account("{ me { user { email } } }", json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn what_is_taken_weak_or_wrong_is_refused() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    sign_up(&anonymous, "ada@example.com", "acme").await.data();
    assert_eq!(sign_up(&anonymous, "bob@example.com", "ACME").await.code(), "VALIDATION_FAILED");
    let taken = sign_up(&anonymous, "bob@example.com", "acme").await;
    let told = &taken.body["errors"][0]["extensions"]["fields"][0];
    assert_eq!((&told["field"], &told["code"]), (&json!("organisation.slug"), &json!("TAKEN")), "{}", taken.text);
    let mut input = input("bob@example.com", "bobs");
    input["password"] = json!("short");
    assert_eq!(anonymous.account(SIGN_UP, json!({ "input": input })).await.code(), "VALIDATION_FAILED");
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
    sign_up(&anonymous, "ada@example.com", "acme").await.data();
    let signed = sign_in(&anonymous, "Ada@Example.com", PASSWORD).await.data()["signIn"].clone();
    let refresh = async |token: &Value| anonymous.account(REFRESH, json!({ "token": token })).await;
    let renewed = refresh(&signed["refreshToken"]).await.data()["refresh"].clone();
    assert_ne!(renewed["refreshToken"], signed["refreshToken"]);
    assert_eq!(refresh(&signed["refreshToken"]).await.code(), "UNAUTHENTICATED", "it was used");
    assert_eq!(refresh(&renewed["refreshToken"]).await.code(), "UNAUTHENTICATED", "reuse ends the session");
}

#[tokio::test]
async fn the_log_holds_no_person_and_no_secret() {
    let mut app = TestApp::start_with(&[("CLIENTELE_LOG", "trace")]).await;
    let anonymous = app.anonymous();
    let signed = sign_up(&anonymous, "zenobia@example.com", "acme").await.data()["signUp"].clone();
    sign_in(&anonymous, "zenobia@example.com", "a wrong passphrase").await.code();
    let log = app.server().log();
    let token = signed["refreshToken"].as_str().expect("a token");
    for secret in ["zenobia", PASSWORD, "a wrong passphrase", token] {
        let line = log.lines().find(|line| line.to_lowercase().contains(secret));
        assert!(line.is_none(), "{line:?}");
    }
}

const PASSWORD: &str = "a long enough passphrase";

fn input(email: &str, slug: &str) -> Value {
    let organisation = json!({ "slug": slug, "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
        "currency": "DZD", "language": "fr" });
    json!({ "firstName": "Ada", "lastName": "L", "email": email, "password": PASSWORD, "organisation": organisation })
}

async fn sign_up(client: &Client, email: &str, slug: &str) -> Answer {
    client.account(SIGN_UP, json!({ "input": input(email, slug) })).await
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client.account(SIGN_IN, json!({ "email": email, "password": password })).await
}
