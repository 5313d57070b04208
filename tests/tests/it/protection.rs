//! Protection against strangers: guessed passwords, pages of other origins; and what the organisation's log says about
//! it.

use futures::{StreamExt, stream};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::{TestApp, until};

const PASSWORD: &str = "a long enough passphrase";
const SIGN_IN: &str =
    "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) { accessToken } }";

fn sign_in(email: &str, password: &str) -> Value {
    json!({ "query": SIGN_IN, "variables": { "email": email, "password": password } })
}

#[tokio::test]
async fn ten_thousand_guesses_are_stopped_and_the_owner_comes_in() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let url = app.anonymous().url("/graphql/account");
    let ask = async |client: &Client, cookie: Option<&str>, password: &str| {
        let request = client.post(&url).json(&sign_in(&tenant.owner_email, password));
        let request = cookie.into_iter().fold(request, |request, cookie| request.header("cookie", cookie));
        request.send().await.expect("an answer")
    };
    let owner = Client::new();
    let first = ask(&owner, None, PASSWORD).await;
    let cookie = first.headers()["set-cookie"].to_str().expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();

    let attacker = Client::new();
    let codes = stream::iter(0..10_000).map(|n| {
        let (ask, attacker) = (&ask, &attacker);
        async move {
            let answer = ask(attacker, None, &format!("guess number {n}")).await.json::<Value>().await.expect("JSON");
            answer["errors"][0]["extensions"]["code"].as_str().expect("a code").to_owned()
        }
    });
    let codes: Vec<String> = codes.buffer_unordered(32).collect().await;
    let count = |wanted: &str| codes.iter().filter(|code| *code == wanted).count();
    assert!(count("BAD_CREDENTIALS") <= 11, "{} passwords were tried", count("BAD_CREDENTIALS"));
    assert_eq!(count("BAD_CREDENTIALS") + count("RATE_LIMITED"), 10_000);

    let stranger = ask(&owner, None, PASSWORD).await;
    assert_eq!(stranger.json::<Value>().await.expect("JSON")["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let known = ask(&owner, Some(&cookie), PASSWORD).await.json::<Value>().await.expect("JSON");
    assert!(known["data"]["signIn"]["accessToken"].is_string(), "{known}");

    let log = "{ securityLog(kinds: [SIGN_IN_FAILED, SIGN_IN_LOCKED, SIGNED_IN]) { nodes { kind times address } } }";
    let reported = async || {
        let nodes = tenant.data(log, json!({})).await["securityLog"]["nodes"].clone();
        let kinds: Vec<&str> =
            nodes.as_array().expect("lines").iter().filter_map(|line| line["kind"].as_str()).collect();
        ["SIGN_IN_FAILED", "SIGN_IN_LOCKED", "SIGNED_IN"].iter().all(|kind| kinds.contains(kind)) && kinds.len() < 20
    };
    until(10, "the log tells it, in few lines", reported).await;
    assert_eq!(tenant.code("{ securityLog(after: \"zz\") { hasMore } }", json!({})).await, "BAD_CURSOR");
}

#[tokio::test]
async fn pages_speak_for_organisations_that_list_their_origin() {
    let app = TestApp::start().await;
    let (acme, other) = (app.tenant("acme"), app.tenant("other"));
    let (ours, theirs, nobody) = ("https://shop.acme.example", "https://app.other.example", "https://evil.example");
    let set =
        "mutation ($origins: [String!]) { updateSecuritySettings(input: { origins: $origins }) { origins logDays } }";
    let settings = acme.data(set, json!({ "origins": [ours] })).await;
    assert_eq!(settings["updateSecuritySettings"], json!({ "origins": [ours], "logDays": 365 }));
    other.data(set, json!({ "origins": [theirs] })).await;
    assert_eq!(acme.code(set, json!({ "origins": ["*"] })).await, "VALIDATION_FAILED");

    let preflight = async |path: &str, origin: &str| {
        let request = app.anonymous().request(Method::OPTIONS, path).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let answer = request.header("access-control-request-headers", "authorization").send().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("a text").to_owned());
        assert_eq!(header("access-control-allow-credentials"), None);
        (answer.status() == StatusCode::NO_CONTENT, header("access-control-allow-origin"))
    };
    until(3, "the list holds", async || preflight("/t/acme/graphql", ours).await.0).await;
    for (path, origin, allowed) in [
        ("/t/acme/graphql", ours, true),
        ("/t/acme/graphql", theirs, false),
        ("/t/other/api/imports", theirs, true),
        ("/t/nowhere/graphql", ours, false),
        ("/graphql", ours, true),
        ("/graphql", theirs, true),
        ("/graphql", nobody, false),
        ("/api/imports", theirs, true),
        ("/graphql/account", ours, false),
        ("/metrics", ours, false),
    ] {
        let answer = preflight(path, origin).await;
        assert_eq!(answer, (allowed, allowed.then(|| origin.to_owned())), "{path} {origin}");
    }

    let ask = async |path: &str, origin: &str| {
        let request = acme.api_key.request(Method::POST, path).header("origin", origin);
        let answer = request.json(&json!({ "query": "{ me { language } }" })).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().contains_key("access-control-allow-origin"))
    };
    assert_eq!(ask("/t/acme/graphql", ours).await, (200, true));
    assert_eq!(ask("/graphql", ours).await, (200, true));
    assert_eq!(ask("/graphql", theirs).await, (403, false), "the other organisation's page");
    assert_eq!(ask("/graphql", nobody).await, (403, false));
    let own = app.anonymous().url("");
    assert_eq!(ask("/graphql", &own).await, (200, false), "our own pages need no list");

    let log =
        acme.data("{ securityLog(kinds: [SETTINGS_CHANGED]) { nodes { actor { kind } detail } } }", json!({})).await;
    assert_eq!(log["securityLog"]["nodes"][0]["detail"]["origins"], json!([ours]));
}

#[tokio::test]
async fn a_page_of_ours_keeps_its_session_out_of_reach_of_scripts() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let query = "mutation ($email: String!, $password: String!) {
        signIn(email: $email, password: $password) { accessToken refreshToken } }";
    let variables = json!({ "email": tenant.owner_email, "password": PASSWORD });
    let own = app.anonymous().url("");
    let post = async |origin: &str, cookie: &str, asks: bool, body: Value| {
        let request = app.anonymous().request(Method::POST, "/graphql/account").header("origin", origin);
        let request = if cookie.is_empty() { request } else { request.header("cookie", cookie) };
        let request = if asks { request.header("x-clientele-session", "cookie") } else { request };
        let answer = request.json(&body).send().await.expect("an answer");
        let set = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().expect("text").to_owned());
        let set = set.filter(|cookie| cookie.starts_with("__Host-")).collect::<Vec<_>>();
        (answer.status().as_u16(), set, answer.json::<Value>().await.expect("JSON"))
    };
    let sign_in = json!({ "query": query, "variables": variables });
    let (_, set, body) = post(&own, "", true, sign_in.clone()).await;
    assert!(body["data"]["signIn"]["accessToken"].is_string() && body["data"]["signIn"]["refreshToken"].is_null());
    let first = set[0].clone();
    for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(first.contains(part), "{first}");
    }
    let pair = |cookie: &str| cookie.split(';').next().expect("a pair").to_owned();
    let refresh = json!({ "query": "mutation { refresh { accessToken refreshToken } }" });

    let (status, ..) = post("https://evil.example", &pair(&first), true, refresh.clone()).await;
    assert_eq!(status, 403, "another origin's page");
    let (_, set, body) = post(&own, &pair(&first), false, refresh.clone()).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "nobody asked for the cookie");
    assert!(set.is_empty());
    let (_, set, body) = post(&own, &pair(&first), true, refresh.clone()).await;
    assert!(body["data"]["refresh"]["accessToken"].is_string(), "{body}");
    let second = set[0].clone();
    assert_ne!(pair(&first), pair(&second), "it serves once");
    let (_, set, body) = post(&own, &pair(&first), true, refresh.clone()).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "it came back");
    assert!(set[0].contains("Max-Age=0"), "{set:?}");
    let (_, _, body) = post(&own, &pair(&second), true, refresh).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "which ended the session");
}

#[tokio::test]
async fn the_operator_reads_of_people_without_an_organisation() {
    let app = TestApp::start().await;
    let stranger = app.anonymous();
    for _ in 0..2 {
        let guess = json!({ "email": "nobody@example.com", "password": PASSWORD });
        assert_eq!(stranger.account(SIGN_IN, guess).await.code(), "BAD_CREDENTIALS");
    }
    let reported = async || {
        let log = app.cli(&["account", "log"]).printed().to_owned();
        let first = log.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
        first["kind"] == "SIGN_IN_FAILED" && first["account"].is_null() && !log.contains("nobody@example.com")
    };
    until(10, "the failure to be told, without the address that nobody has", reported).await;
    assert_eq!(app.cli(&["account", "log", "--email", "nobody@example.com"]).code, Some(66));
}

#[tokio::test]
async fn organisations_say_how_long_changes_are_kept() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    let settings = acme.data("{ securitySettings { historyDays } }", json!({})).await;
    assert_eq!(settings["securitySettings"]["historyDays"], 0, "for ever");
    let set = "mutation ($days: Int) { updateSecuritySettings(input: { historyDays: $days }) { historyDays } }";
    assert_eq!(acme.code(set, json!({ "days": 29 })).await, "VALIDATION_FAILED");
    let settings = acme.data(set, json!({ "days": 30 })).await;
    assert_eq!(settings["updateSecuritySettings"]["historyDays"], 30);
    acme.create("customer", json!({ "companyName": "Acme" })).await;
    let changes = acme.data("{ changes(after: 0) { nodes { kind object } } }", json!({})).await;
    assert_eq!(changes["changes"]["nodes"][0], json!({ "kind": "CREATED", "object": "customer" }), "what is new stays");
}
