//! Second factors, through the endpoints: turned on with an authenticator app, asked for at sign-in, each code accepted
//! once.

use reqwest::{Method, header};
use serde_json::{Value, json};
use tests::{Answer, Client, TestApp, until};
use totp_rs::{Builder, Secret, Totp};

const PASSWORD: &str = "a long enough passphrase";
const OTHER: &str = "another long passphrase";
const EMAIL: &str = "ada@example.com";
const SIGN_IN: &str = "mutation ($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { accessToken } }";
const FINISH: &str = "mutation ($challenge: String!, $code: String!, $trust: Boolean! = false) {
    finishSignIn(challenge: $challenge, code: $code, trustDevice: $trust) { accessToken } }";
const CONFIRM: &str = "mutation ($code: String!) { confirmSecondFactor(code: $code) }";
const CUSTOMERS: &str = "{ customers { totalCount } }";

/// Ada, signed in, with the organisation `acme`.
async fn ada(app: &TestApp) -> Client {
    let signed = app.sign_up(EMAIL, PASSWORD, "acme").await;
    app.with_token(signed["accessToken"].as_str().expect("a token"))
}

/// Ada's authenticator app, with the secret.
pub struct Authenticator(Totp);

impl Authenticator {
    async fn of(ada: &Client) -> Self {
        let enrol = "mutation ($password: String!) { enrolSecondFactor(password: $password) { secret uri qr } }";
        let made = ada.account(enrol, json!({ "password": PASSWORD })).await.data()["enrolSecondFactor"].clone();
        let uri = made["uri"].as_str().expect("an address");
        assert!(uri.starts_with("otpauth://totp/") && uri.contains("Clientele"), "{uri}");
        assert!(made["qr"].as_str().is_some_and(|qr| qr.contains("<svg") && qr.ends_with("</svg>")), "{made}");
        let secret = Secret::try_from_base32(made["secret"].as_str().expect("a secret")).expect("base 32");
        Self(Builder::new().with_secret(secret).with_account_name("x").build().expect("an authenticator"))
    }

    /// The present code, or that of so many steps later.
    fn code(&self, later: u64) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
        self.0.generate(now + 30 * later).to_string()
    }
}

/// Turns Ada's second factor on; returns her authenticator app and her recovery codes.
pub async fn two_factors(ada: &Client) -> (Authenticator, Vec<String>) {
    let authenticator = Authenticator::of(ada).await;
    let codes = ada.account(CONFIRM, json!({ "code": authenticator.code(0) })).await.data();
    let codes = codes["confirmSecondFactor"].as_array().expect("codes").clone();
    (authenticator, codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect())
}

async fn sign_in(app: &TestApp, password: &str) -> Answer {
    app.anonymous().account(SIGN_IN, json!({ "email": EMAIL, "password": password })).await
}

async fn challenge(app: &TestApp) -> String {
    let asked = sign_in(app, PASSWORD).await;
    assert_eq!(asked.code(), "SECOND_FACTOR_NEEDED");
    asked.body["errors"][0]["extensions"]["challenge"].as_str().expect("a challenge").to_owned()
}

async fn finish(app: &TestApp, challenge: &str, code: &str) -> Answer {
    app.anonymous().account(FINISH, json!({ "challenge": challenge, "code": code })).await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let wrong = "mutation { enrolSecondFactor(password: \"not mine at all\") { secret } }";
    assert_eq!(ada.account(wrong, json!({})).await.code(), "BAD_CREDENTIALS");
    assert_eq!(ada.account(CONFIRM, json!({ "code": "123456" })).await.code(), "CONFLICT");
    let begun = Authenticator::of(&ada).await;
    sign_in(&app, PASSWORD).await.data();
    assert_eq!(ada.account(CONFIRM, json!({ "code": "abc" })).await.code(), "BAD_CODE");
    drop(begun);
    let (authenticator, codes) = two_factors(&ada).await;
    assert_eq!(codes.len(), 10);
    app.mailbox().take(EMAIL, "Two-factor authentication was turned on").await;

    let used = authenticator.code(0);
    let begun = challenge(&app).await;
    assert_eq!(finish(&app, &begun, &used).await.code(), "BAD_CODE", "the code that confirmed");
    let next = authenticator.code(1);
    let signed = finish(&app, &begun, &next).await.data()["finishSignIn"].clone();
    let signed = app.with_token(signed["accessToken"].as_str().expect("a token"));
    signed.data(CUSTOMERS, json!({})).await;
    assert_eq!(finish(&app, &begun, &codes[0]).await.code(), "UNAUTHENTICATED", "a challenge serves once");
    assert_eq!(finish(&app, &challenge(&app).await, &next).await.code(), "BAD_CODE", "a code is not replayed");

    finish(&app, &challenge(&app).await, &codes[0].to_lowercase().replace('-', " ")).await.data();
    assert_eq!(finish(&app, &challenge(&app).await, &codes[0]).await.code(), "BAD_CODE");
    let standing = "{ secondFactor { enabled since recoveryCodesLeft } }";
    let reported = ada.account(standing, json!({})).await.data()["secondFactor"].clone();
    assert_eq!((&reported["enabled"], &reported["recoveryCodesLeft"]), (&json!(true), &json!(9)));

    let anew =
        "mutation ($password: String!, $code: String!) { regenerateRecoveryCodes(password: $password, code: $code) }";
    let variables = |code: &str| json!({ "password": PASSWORD, "code": code });
    let fresh = ada.account(anew, variables(&codes[1])).await.data()["regenerateRecoveryCodes"].clone();
    assert_eq!(finish(&app, &challenge(&app).await, &codes[2]).await.code(), "BAD_CODE");
    let off = "mutation ($password: String!, $code: String!) { disableSecondFactor(password: $password, code: $code) }";
    assert_eq!(ada.account(off, json!({ "password": OTHER, "code": fresh[0] })).await.code(), "BAD_CREDENTIALS");
    assert_eq!(ada.account(off, variables("000000")).await.code(), "BAD_CODE");
    ada.account(off, variables(fresh[1].as_str().expect("a code"))).await.data();
    app.mailbox().take(EMAIL, "Two-factor authentication was turned off").await;
    sign_in(&app, PASSWORD).await.data();

    two_factors(&ada).await;
    challenge(&app).await;
    let drop = ["account", "drop-second-factor", "--email", "ADA@example.com"];
    app.cli(&drop).printed();
    app.mailbox().take(EMAIL, "Two-factor authentication was turned off").await;
    sign_in(&app, PASSWORD).await.data();
    assert_eq!(app.cli(&drop).code, Some(73), "there is none any more");
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let (authenticator, codes) = two_factors(&ada).await;
    let variables = json!({ "challenge": challenge(&app).await, "code": codes[9] });
    let known = with_cookie(&app.anonymous(), FINISH, variables, "").await.1.expect("a known device");
    let begun = challenge(&app).await;
    for _ in 0..5 {
        assert_eq!(finish(&app, &begun, "000000").await.code(), "BAD_CODE");
    }
    assert_eq!(finish(&app, &begun, &authenticator.code(1)).await.code(), "UNAUTHENTICATED", "it took enough");
    let begun = challenge(&app).await;
    for _ in 0..5 {
        assert_eq!(finish(&app, &begun, "000000").await.code(), "BAD_CODE");
    }
    assert_eq!(finish(&app, &challenge(&app).await, &codes[0]).await.code(), "RATE_LIMITED", "however many challenges");
    let own = json!({ "challenge": challenge(&app).await, "code": codes[1] });
    let (answer, _) = with_cookie(&app.anonymous(), FINISH, own, &known).await;
    assert!(
        answer["data"]["finishSignIn"]["accessToken"].is_string(),
        "the owner comes in where they were before: {answer}"
    );
    let twice = "mutation { a: finishSignIn(challenge: \"x\", code: \"1\") { accessToken }
        b: finishSignIn(challenge: \"x\", code: \"2\") { accessToken } }";
    assert_eq!(app.anonymous().account(twice, json!({})).await.code(), "TOO_COMPLEX");
    for nonsense in ["", "x", "0190a000-0000-7000-8000-000000000000.x"] {
        assert_eq!(finish(&app, nonsense, "000000").await.code(), "UNAUTHENTICATED");
    }
    let log = "{ securityLog(first: 50) { nodes { kind } } }";
    let kinds = ada.data(log, json!({})).await.to_string();
    assert!(kinds.contains("SECOND_FACTOR_FAILED") && kinds.contains("SECOND_FACTOR_ON"), "{kinds}");
}

/// A document for the account endpoint with cookies, and the cookie that the answer sets.
async fn with_cookie(client: &Client, query: &str, variables: Value, cookie: &str) -> (Value, Option<String>) {
    let request = client.request(Method::POST, "/graphql/account").header(header::COOKIE, cookie);
    let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.expect("an answer");
    let set = answer.headers().get(header::SET_COOKIE).map(|set| set.to_str().expect("text").to_owned());
    let set = set.map(|set| set.split(';').next().expect("a cookie").to_owned());
    (answer.json().await.expect("JSON"), set)
}

#[tokio::test]
async fn a_trusted_device_is_not_asked_until_it_is_forgotten_or_the_password_changes() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let (_, codes) = two_factors(&ada).await;
    let anybody = app.anonymous();
    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    let trusting = async |code: &str| {
        let variables = json!({ "challenge": challenge(&app).await, "code": code, "trust": true });
        with_cookie(&anybody, FINISH, variables, "").await.1.expect("a cookie")
    };
    let opened = async |cookie: &str| {
        let (answer, _) = with_cookie(&anybody, SIGN_IN, credentials.clone(), cookie).await;
        answer["data"]["signIn"]["accessToken"].is_string()
    };
    let cookie = trusting(&codes[0]).await;
    assert!(opened(&cookie).await && !opened("").await);
    let untrusted = with_cookie(
        &anybody,
        FINISH,
        json!({ "challenge": challenge(&app).await, "code": codes[1], "trust": false }),
        "",
    );
    let untrusted = untrusted.await.1.expect("a known device");
    assert!(!opened(&untrusted).await, "known is not trusted");

    let listed = "{ secondFactor { trustedDevices { id device address expiresAt } } }";
    let devices = ada.account(listed, json!({})).await.data()["secondFactor"]["trustedDevices"].clone();
    assert_eq!(devices.as_array().map(Vec::len), Some(1));
    let forget = "mutation ($id: ID!) { forgetDevice(id: $id) }";
    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    let eve = anybody.account(SIGN_IN, json!({ "email": "eve@example.com", "password": PASSWORD })).await.data();
    let eve = app.with_token(eve["signIn"]["accessToken"].as_str().expect("a token"));
    assert_eq!(eve.account(forget, json!({ "id": devices[0]["id"] })).await.code(), "NOT_FOUND");
    ada.account(forget, json!({ "id": devices[0]["id"] })).await.data();
    assert!(!opened(&cookie).await);

    let cookie = trusting(&codes[3]).await;
    assert!(opened(&cookie).await);
    ada.account("mutation { signOutEverywhere }", json!({})).await.data();
    assert!(!opened(&cookie).await, "everywhere is on trusted devices too");
    let ada = finish(&app, &challenge(&app).await, &codes[4]).await.data();
    let ada = app.with_token(ada["finishSignIn"]["accessToken"].as_str().expect("a token"));

    let cookie = trusting(&codes[2]).await;
    assert!(opened(&cookie).await);
    let change =
        "mutation ($password: String!, $new: String!) { changePassword(password: $password, newPassword: $new) }";
    let begun = challenge(&app).await;
    ada.account(change, json!({ "password": PASSWORD, "new": OTHER })).await.data();
    assert_eq!(finish(&app, &begun, &codes[5]).await.code(), "UNAUTHENTICATED", "the old password began it");
    let (answer, _) = with_cookie(&anybody, SIGN_IN, json!({ "email": EMAIL, "password": OTHER }), &cookie).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SECOND_FACTOR_NEEDED", "{answer}");
}

#[tokio::test]
async fn an_organisation_that_asks_for_two_factors_lets_nobody_in_with_one() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let key = app.cli(&["api-key", "create", "--tenant", "acme", "--name", "tests", "--role", "admin"]);
    let key = app.with_token(key.printed());
    let read = "{ securitySettings { twoFactorsRequired } }";
    let ask = "mutation ($required: Boolean!) {
        updateSecuritySettings(input: { twoFactorsRequired: $required }) { twoFactorsRequired } }";
    assert_eq!(ada.data(read, json!({})).await["securitySettings"]["twoFactorsRequired"], false);
    key.data(ask, json!({ "required": true })).await;
    until(5, "one factor is not enough", async || {
        ada.graphql(CUSTOMERS, json!({})).await.body["errors"][0]["extensions"]["code"] == "SECOND_FACTOR_REQUIRED"
    })
    .await;
    let again = sign_in(&app, PASSWORD).await.data();
    let again = app.with_token(again["signIn"]["accessToken"].as_str().expect("a token"));
    assert_eq!(again.graphql(CUSTOMERS, json!({})).await.code(), "SECOND_FACTOR_REQUIRED");
    key.data(CUSTOMERS, json!({})).await;

    let (_, codes) = two_factors(&again).await;
    until(5, "the session counts", async || again.graphql(CUSTOMERS, json!({})).await.body["data"].is_object()).await;
    assert_eq!(ada.graphql(CUSTOMERS, json!({})).await.code(), "UNAUTHENTICATED", "the password alone had opened it");
    let signed = finish(&app, &challenge(&app).await, &codes[0]).await.data();
    let signed = app.with_token(signed["finishSignIn"]["accessToken"].as_str().expect("a token"));
    assert_eq!(signed.data(read, json!({})).await["securitySettings"]["twoFactorsRequired"], true);
    signed.data(ask, json!({ "required": false })).await;
    app.cli(&["account", "drop-second-factor", "--email", EMAIL]).printed();
    let once = sign_in(&app, PASSWORD).await.data();
    let once = app.with_token(once["signIn"]["accessToken"].as_str().expect("a token"));
    until(5, "one is enough again", async || once.graphql(CUSTOMERS, json!({})).await.body["data"].is_object()).await;
}
