//! What people do with their own account, through the endpoints: sessions, password, address, profile, picture, leaving.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, TestApp, until};

const PASSWORD: &str = "a long enough passphrase";
const OTHER: &str = "another long passphrase";
const SIGN_IN: &str = "mutation ($email: String!, $password: String!, $remember: Boolean) {
    signIn(email: $email, password: $password, remember: $remember) { accessToken refreshToken } }";
const SESSIONS: &str = "{ sessions { id device address createdAt usedAt expiresAt remembered current } }";

/// Ada with the organisation `acme`, signed in.
async fn ada(app: &TestApp) -> Client {
    let signed = app.sign_up("ada@example.com", PASSWORD, "acme").await;
    app.with_token(signed["accessToken"].as_str().expect("a token"))
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    let variables = json!({ "email": email, "password": password, "remember": true });
    app.anonymous().account(SIGN_IN, variables).await
}

async fn signed_in(app: &TestApp, email: &str, password: &str) -> Client {
    let signed = sign_in(app, email, password).await.data();
    app.with_token(signed["signIn"]["accessToken"].as_str().expect("a token"))
}

async fn is_in(client: &Client) -> bool {
    let answer = client.account("{ me { user { id } } }", json!({})).await;
    answer.body["data"]["me"]["user"]["id"].is_string()
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_end_it() {
    let app = TestApp::start().await;
    let (here, there) = (ada(&app).await, signed_in(&app, "ada@example.com", PASSWORD).await);
    let listed = here.account(SESSIONS, json!({})).await.data()["sessions"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let other = listed.as_array().and_then(|all| all.iter().find(|one| one["current"] == false)).expect("the other");
    assert_eq!((&other["address"], &other["remembered"]), (&json!("127.0.0.1"), &json!(true)));
    there.data("{ customers { totalCount } }", json!({})).await;

    let end = "mutation ($session: ID) { signOut(session: $session) }";
    here.account(end, json!({ "session": other["id"] })).await.data();
    assert!(!is_in(&there).await && is_in(&here).await);
    until(2, "the tenant's endpoint hears of it", async || {
        there.graphql("{ customers { totalCount } }", json!({})).await.status == 401
    })
    .await;
    for gone in [&other["id"], &json!("nonsense"), &json!("0190a000-0000-7000-8000-000000000000")] {
        assert_eq!(here.account(end, json!({ "session": gone })).await.code(), "NOT_FOUND");
    }
    let third = signed_in(&app, "ada@example.com", PASSWORD).await;
    here.account("mutation { signOutEverywhere }", json!({})).await.data();
    assert!(!is_in(&here).await && !is_in(&third).await);
    let again = signed_in(&app, "ada@example.com", PASSWORD).await;
    again.account(end, json!({})).await.data();
    assert!(!is_in(&again).await);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    let eve = signed_in(&app, "eve@example.com", PASSWORD).await;
    let theirs = ada.account(SESSIONS, json!({})).await.data()["sessions"][0]["id"].clone();
    let end = "mutation ($session: ID) { signOut(session: $session) }";
    assert_eq!(eve.account(end, json!({ "session": theirs })).await.code(), "NOT_FOUND");
    assert!(is_in(&ada).await);
    for query in [
        SESSIONS,
        "mutation { signOut }",
        "mutation { signOutEverywhere }",
        "mutation { updateProfile(input: {}) { id } }",
        "mutation { changePassword(password: \"x\", newPassword: \"y\") }",
        "mutation { changeEmail(password: \"x\", email: \"y\") }",
        "mutation { deleteAccount(password: \"x\") }",
        "mutation { createOrganisation(input: { slug: \"x\", name: \"x\", country: \"DZ\", timeZone: \"UTC\",
            currency: \"DZD\", language: \"fr\" }) { role } }",
    ] {
        assert_eq!(app.anonymous().account(query, json!({})).await.code(), "UNAUTHENTICATED", "{query}");
    }
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let app = TestApp::start().await;
    let (here, there) = (ada(&app).await, signed_in(&app, "ada@example.com", PASSWORD).await);
    let change = async |old: &str, new: &str| {
        let query = "mutation ($old: String!, $new: String!) { changePassword(password: $old, newPassword: $new) }";
        here.account(query, json!({ "old": old, "new": new })).await
    };
    assert_eq!(change("not the passphrase", OTHER).await.code(), "BAD_CREDENTIALS");
    let short = change(PASSWORD, "short").await;
    assert_eq!(short.body["errors"][0]["extensions"]["fields"][0]["field"], "newPassword");
    change(PASSWORD, OTHER).await.data();
    assert!(is_in(&here).await && !is_in(&there).await);
    assert_eq!(sign_in(&app, "ada@example.com", PASSWORD).await.code(), "BAD_CREDENTIALS");
    signed_in(&app, "ada@example.com", OTHER).await;
    app.mailbox().take("ada@example.com", "Your password was changed").await;
}

#[tokio::test]
async fn an_address_changes_when_the_old_and_the_new_one_agree() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    let change = async |password: &str, email: &str| {
        let query =
            "mutation ($password: String!, $email: String!) { changeEmail(password: $password, email: $email) }";
        ada.account(query, json!({ "password": password, "email": email })).await
    };
    let confirm = async |token: &str| {
        let query = "mutation ($token: String!) { confirmEmail(token: $token) }";
        app.anonymous().account(query, json!({ "token": token })).await
    };
    assert_eq!(change("not the passphrase", "ada@new.example").await.code(), "BAD_CREDENTIALS");
    assert_eq!(change(PASSWORD, "nonsense").await.code(), "VALIDATION_FAILED");
    assert_eq!(change(PASSWORD, "ada@new.example").await.data(), json!({ "changeEmail": true }));
    assert_eq!(change(PASSWORD, "ada@newer.example").await.code(), "RATE_LIMITED", "emails go to any address");
    let new = app.mailbox().take("ada@new.example", "Confirm your new email address").await.token();
    let old = app.mailbox().take("ada@example.com", "Your email address will change").await;
    assert!(old.text.contains("ada@new.example"), "{}", old.text);
    assert_eq!(confirm(&new.replace('.', ".x")).await.code(), "LINK_EXPIRED");
    assert_eq!(confirm(&new).await.data()["confirmEmail"], "WAITING");
    assert_eq!(confirm(&new).await.data()["confirmEmail"], "WAITING", "the old one has not agreed");
    signed_in(&app, "ada@example.com", PASSWORD).await;
    assert_eq!(confirm(&old.token()).await.data()["confirmEmail"], "DONE");
    assert_eq!(confirm(&old.token()).await.code(), "LINK_EXPIRED");
    assert_eq!(sign_in(&app, "ada@example.com", PASSWORD).await.code(), "BAD_CREDENTIALS");
    signed_in(&app, "ada@new.example", PASSWORD).await;
    let members =
        async || ada.data("{ members { nodes { name email } } }", json!({})).await["members"]["nodes"].clone();
    let spread = json!([{ "name": "Ada L", "email": "ada@new.example" }]);
    until(10, "the member has the address too", async || members().await == spread).await;
}

#[tokio::test]
async fn a_new_password_ends_a_change_of_address() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let change = format!("mutation {{ changeEmail(password: \"{PASSWORD}\", email: \"eve@example.com\") }}");
    ada.account(&change, json!({})).await.data();
    let new = app.mailbox().take("eve@example.com", "Confirm your new email address").await.token();
    let change = format!("mutation {{ changePassword(password: \"{PASSWORD}\", newPassword: \"{OTHER}\") }}");
    ada.account(&change, json!({})).await.data();
    let confirm = "mutation ($token: String!) { confirmEmail(token: $token) }";
    assert_eq!(app.anonymous().account(confirm, json!({ "token": new })).await.code(), "LINK_EXPIRED");
}

#[tokio::test]
async fn an_organisation_hears_who_came_in_and_a_former_one_hears_nothing() {
    let app = TestApp::start().await;
    let (ada, eves) = (ada(&app).await, app.tenant("eves"));
    let invite = "mutation { inviteMember(email: \"ada@example.com\", role: \"admin\") { id } }";
    eves.data(invite, json!({})).await;
    let token = app.mailbox().take("ada@example.com", "Invitation to eves").await.token();
    let accept = "mutation ($token: String!) { acceptInvitation(token: $token) { memberId } }";
    let member = ada.account(accept, json!({ "token": token })).await.data()["acceptInvitation"]["memberId"].clone();

    let log = "{ securityLog(first: 50, kinds: [SIGNED_IN, SIGNED_OUT, SIGN_IN_FAILED]) { nodes { kind } } }";
    let heard = async || {
        let nodes = eves.data(log, json!({})).await["securityLog"]["nodes"].clone();
        nodes
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line["kind"].as_str().expect("a kind").to_owned())
            .collect::<Vec<_>>()
    };
    let nothing: Vec<String> = Vec::new();
    let signed = sign_in(&app, "ada@example.com", PASSWORD).await.data()["signIn"].clone();
    assert_eq!(heard().await, nothing, "it names no organisation yet");
    let mut token = signed["refreshToken"].clone();
    for slug in ["eves", "eves", "acme", "acme"] {
        let switch = "mutation ($token: String!, $slug: String) {
            refresh(refreshToken: $token, organisation: $slug) { refreshToken } }";
        let switched = app.anonymous().account(switch, json!({ "token": token, "slug": slug })).await.data();
        token = switched["refresh"]["refreshToken"].clone();
    }
    assert_eq!(heard().await, ["SIGNED_IN"]);

    let leave = "mutation ($member: ID!) { deactivateMember(member: $member) { active } }";
    eves.data(leave, json!({ "member": member })).await;
    let rename = "mutation { updateProfile(input: { firstName: \"Augusta\" }) { firstName } }";
    ada.account(rename, json!({})).await.data();
    sign_in(&app, "ada@example.com", "not the passphrase").await.code();
    let names = "{ members { nodes { name } } }";
    let own = async || ada.data(names, json!({})).await["members"]["nodes"][0]["name"] == "Augusta L";
    until(10, "the own organisation has the new name", own).await;
    let failed = async || ada.data(log, json!({})).await.to_string().contains("SIGN_IN_FAILED");
    until(10, "the own organisation hears of the failure", failed).await;
    ada.account("mutation { signOutEverywhere }", json!({})).await.data();
    assert_eq!(heard().await, ["SIGNED_IN"], "it is none of their business any more");
    let members = eves.data("{ organisationMembers { name email active } }", json!({})).await;
    assert!(!members.to_string().contains("Augusta"), "{members}");
}

#[tokio::test]
async fn the_address_of_another_is_not_told_and_not_taken() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    app.sign_up("eve@example.com", PASSWORD, "eves").await;
    let query = format!("mutation {{ changeEmail(password: \"{PASSWORD}\", email: \"Eve@example.com\") }}");
    assert_eq!(ada.account(&query, json!({})).await.data(), json!({ "changeEmail": true }));
    app.mailbox().take("Eve@example.com", "You already have an account").await;
    app.mailbox().take("ada@example.com", "Your email address will change").await;
}

#[tokio::test]
async fn a_profile_is_what_its_person_says() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let update = async |input: Value| {
        let query = "mutation ($input: ProfileInput!) { updateProfile(input: $input) {
            firstName lastName language timeZone muted } }";
        ada.account(query, json!({ "input": input })).await
    };
    let changed = update(json!({ "lastName": " Lovelace ", "language": "fr", "timeZone": "Europe/Paris",
        "muted": ["INVITATION_ACCEPTED"] }));
    let reported = json!({ "firstName": "Ada", "lastName": "Lovelace", "language": "fr", "timeZone": "Europe/Paris",
        "muted": ["INVITATION_ACCEPTED"] });
    assert_eq!(changed.await.data()["updateProfile"], reported);
    assert_eq!(update(json!({})).await.data()["updateProfile"], reported, "what is not said stays");
    let name =
        async || ada.data("{ members { nodes { name } } }", json!({})).await["members"]["nodes"][0]["name"].clone();
    until(10, "the member has the name too", async || name().await == "Ada Lovelace").await;
    for (field, value) in [
        ("language", "de"),
        ("timeZone", "Mars/Olympus"),
        ("firstName", "A\nB"),
        ("lastName", &"x".repeat(101)),
        ("lastName", ""),
    ] {
        let refused = update(json!({ field: value })).await;
        assert_eq!(refused.body["errors"][0]["extensions"]["fields"][0]["field"], field, "{}", refused.text);
    }
    // emails follow the language
    app.anonymous().account("mutation { askRecovery(email: \"ada@example.com\") { email } }", json!({})).await.data();
    app.mailbox().take("ada@example.com", "Choisissez un nouveau mot de passe").await;
}

#[tokio::test]
async fn a_picture_is_judged_by_its_bytes_and_shown_to_its_person() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let path = "/api/account/picture";
    let png =
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x40\x08\x06\0\0\0".to_vec(), b"zenobia-picture".repeat(10)]
            .concat();
    let put = async |bytes: Vec<u8>| {
        let request = ada.request(Method::PUT, path).header("content-type", "image/png").body(bytes);
        Answer::of(request).await
    };
    assert_eq!(Answer::of(ada.request(Method::GET, path)).await.status, 404);
    assert_eq!(put(png.clone()).await.status, 204);
    let shown = ada.request(Method::GET, path).send().await.expect("an answer");
    let header =
        |name: &str| shown.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!((header("content-type").as_str(), header("x-content-type-options").as_str()), ("image/png", "nosniff"));
    assert!(header("cache-control").contains("private"));
    assert_eq!(shown.bytes().await.expect("a picture"), png);
    for (bytes, status) in [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), 415),
        (Vec::new(), 415),
        (png[..14].to_vec(), 422),
        ([&png[..16], b"\xff\xff\xff\xff", &png[20..]].concat(), 422),
        ([png.clone(), vec![0; 1024 * 1024]].concat(), 413),
    ] {
        assert_eq!(put(bytes).await.status, status);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(Answer::of(app.anonymous().request(method, path)).await.status, 401);
    }
    assert_eq!(Answer::of(ada.request(Method::DELETE, path)).await.status, 204);
    assert_eq!(Answer::of(ada.request(Method::GET, path)).await.status, 404);
    until(60, "asking has an end", async || Answer::of(ada.request(Method::GET, path)).await.status == 429).await;
}

#[tokio::test]
async fn one_person_belongs_to_several_organisations() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let found = async |slug: &str| {
        let query =
            "mutation ($slug: String!) { createOrganisation(input: { slug: $slug, name: \"Second\", country: \"FR\",
            timeZone: \"Europe/Paris\", currency: \"EUR\", language: \"fr\" }) { role organisation { slug } } }";
        ada.account(query, json!({ "slug": slug })).await
    };
    assert_eq!(found("acme").await.code(), "VALIDATION_FAILED");
    assert_eq!(found("A b").await.code(), "VALIDATION_FAILED");
    let second = found("second").await.data()["createOrganisation"].clone();
    assert_eq!(second, json!({ "role": "owner", "organisation": { "slug": "second" } }));
    let signed = sign_in(&app, "ada@example.com", PASSWORD).await.data()["signIn"].clone();
    let switch = "mutation ($token: String!, $slug: String) {
        refresh(refreshToken: $token, organisation: $slug) { accessToken refreshToken organisation { slug } } }";
    let mut token = signed["refreshToken"].clone();
    for slug in ["second", "acme"] {
        let variables = json!({ "token": token, "slug": slug });
        let switched = app.anonymous().account(switch, variables).await.data()["refresh"].clone();
        token = switched["refreshToken"].clone();
        let there = app.with_token(switched["accessToken"].as_str().expect("a token"));
        there.graphql_at(&format!("/t/{slug}/graphql"), "{ customers { totalCount } }", json!({})).await.data();
        let other = if slug == "acme" { "second" } else { "acme" };
        let elsewhere =
            there.graphql_at(&format!("/t/{other}/graphql"), "{ customers { totalCount } }", json!({})).await;
        assert_eq!(elsewhere.status, 404, "a token is for one organisation");
    }
}

#[tokio::test]
async fn who_leaves_is_gone_unless_an_organisation_would_have_no_owner() {
    let app = TestApp::start().await;
    let ada = ada(&app).await;
    let leave = async |password: &str| {
        ada.account(
            "mutation ($password: String!) { deleteAccount(password: $password) }",
            json!({ "password": password }),
        )
        .await
    };
    assert_eq!(leave("not the passphrase").await.code(), "BAD_CREDENTIALS");
    let needed = leave(PASSWORD).await;
    assert_eq!(needed.code(), "CONFLICT");
    assert!(needed.text.contains("only owner of Acme"), "{}", needed.text);
    assert!(is_in(&ada).await, "nothing was taken away");
}

#[tokio::test]
async fn one_document_tries_one_password() {
    let app = TestApp::start().await;
    ada(&app).await;
    let tries: String = (0..5)
        .map(|n| format!("t{n}: signIn(email: \"ada@example.com\", password: \"{n} wrong wrong\") {{ accessToken }} "))
        .collect();
    let answer = app.anonymous().account(&format!("mutation {{ {tries} }}"), json!({})).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TOO_COMPLEX"), "{}", answer.text);
    let body = json!([{ "query": "mutation { askRecovery(email: \"a@example.com\") { email } }" }]);
    let batch = app.anonymous().request(Method::POST, "/graphql/account").json(&body);
    assert_eq!(Answer::of(batch).await.status, 400, "no batches");
}
