//! API keys: what they allow, for how long, and how fast they are revoked.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Socket, Tenant, TestApp, until};

const CREATE: &str = "mutation ($input: ApiKeyInput!) { createApiKey(input: $input) { key apiKey {
    id name prefix role addresses expiresAt pointsPerSecond scopes { object operations } } } }";
const READ: &str = "{ customers { nodes { id } } }";

async fn create(tenant: &Tenant, input: Value) -> Value {
    tenant.data(CREATE, json!({ "input": input })).await["createApiKey"].clone()
}

fn client(app: &TestApp, issued: &Value) -> Client {
    app.with_token(issued["key"].as_str().expect("a key"))
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let customers = json!({ "object": "customer", "operations": ["READ", "UPDATE"] });
    let scopes = json!([customers, { "operations": ["EXPORT"] }]);
    let issued = create(&tenant, json!({ "name": "shop", "scopes": scopes })).await;
    let kept = issued["apiKey"]["scopes"].as_array().expect("scopes");
    assert!(kept.len() == 2 && kept.contains(&customers), "{kept:?}");
    assert_eq!(issued["apiKey"]["role"], "admin", "its maker's");
    let key = client(&app, &issued);
    let id = tenant.create("customer", json!({ "firstName": "Ada" })).await;
    let update = "mutation ($id: ID!) { updateCustomer(id: $id, data: { city: \"Oran\" }) { city } }";
    assert_eq!(key.data(update, json!({ "id": id })).await["updateCustomer"]["city"], "Oran");
    for refused in [
        "mutation { createCustomer(data: { firstName: \"Eve\" }) { id } }".to_owned(),
        format!("mutation {{ deleteCustomer(id: \"{id}\") {{ id }} }}"),
        "{ interactions { nodes { id } } }".to_owned(),
        "mutation { createApiKey(input: { name: \"more\" }) { key } }".to_owned(),
        "{ apiKeys { id } }".to_owned(),
        "{ securityLog { nodes { id } } }".to_owned(),
        "mutation { updateSecuritySettings(input: { logDays: 30 }) { logDays } }".to_owned(),
    ] {
        assert_eq!(key.code(&refused, json!({})).await, "FORBIDDEN", "{refused}");
    }
    let wrong = json!({ "name": "x", "scopes": [{ "object": "unicorn", "operations": ["READ"] }],
        "addresses": [], "expiresAt": null });
    let refused = tenant.graphql(CREATE, json!({ "input": wrong })).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["fields"][0]["field"], "scopes.0.object", "{}", refused.text);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second_on_every_node_and_open_connection() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let tenant = app.tenant("acme");
    let issued = create(&tenant, json!({ "name": "feed" })).await;
    let (here, there) = (client(&app, &issued), client(&app, &issued).at(&beside));
    let follow = "subscription { customerChanged { id } }";
    let sockets = [Socket::following(&here, follow).await, Socket::following(&there, follow).await];
    assert_eq!((here.graphql(READ, json!({})).await.status, there.graphql(READ, json!({})).await.status), (200, 200));

    let revoke = "mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }";
    let revoked = tenant.data(revoke, json!({ "id": issued["apiKey"]["id"] })).await;
    assert!(revoked["revokeApiKey"]["revokedAt"].is_string());
    for node in [&here, &there] {
        until(1, "the key is refused", async || node.graphql(READ, json!({})).await.status == 401).await;
    }
    for socket in sockets {
        assert_eq!(socket.closed(Duration::from_secs(20)).await.0, 4403);
    }
}

#[tokio::test]
async fn keys_are_renewed_bound_and_listed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let elsewhere = create(&tenant, json!({ "name": "elsewhere", "addresses": ["192.0.2.0/24"] })).await;
    assert_eq!(client(&app, &elsewhere).code(READ, json!({})).await, "FORBIDDEN", "not from here");
    let issued = create(&tenant, json!({ "name": "etl", "addresses": ["127.0.0.1", "::1"] })).await;
    let old = client(&app, &issued);
    old.data(READ, json!({})).await;

    let renew = "mutation ($id: ID!, $overlap: Int) { renewApiKey(id: $id, overlapSeconds: $overlap) { key apiKey { oldSecretUntil } } }";
    let renewed =
        tenant.data(renew, json!({ "id": issued["apiKey"]["id"], "overlap": 3600 })).await["renewApiKey"].clone();
    assert!(renewed["apiKey"]["oldSecretUntil"].is_string());
    client(&app, &renewed).data(READ, json!({})).await;
    old.data(READ, json!({})).await;

    let list = "{ apiKeys { name addresses lastUsedAt lastUsedFrom createdBy { kind } } }";
    let used = async || {
        let keys = tenant.data(list, json!({})).await["apiKeys"].clone();
        keys[0]["name"] == "etl" && keys[0]["lastUsedAt"].is_string() && keys[0]["lastUsedFrom"] == "127.0.0.1"
    };
    until(5, "the last use is told", used).await;
    let log = "{ securityLog(kinds: [KEY_NEW_ADDRESS, KEY_REFUSED, KEY_RENEWED]) { nodes { kind actor { name } address detail } } }";
    let reported = async || {
        let nodes = tenant.data(log, json!({})).await["securityLog"]["nodes"].clone();
        let kinds: Vec<_> = nodes.as_array().expect("lines").iter().filter_map(|line| line["kind"].as_str()).collect();
        kinds.contains(&"KEY_REFUSED")
            && kinds.contains(&"KEY_RENEWED")
            && kinds.iter().filter(|kind| **kind == "KEY_NEW_ADDRESS").count() == 2
    };
    until(5, "the log tells it", reported).await;
    let whole = tenant.graphql("{ securityLog(first: 200) { nodes { kind detail agent address } } }", json!({})).await;
    let secret = issued["key"].as_str().and_then(|key| key.rsplit('_').next()).expect("a secret");
    assert!(!whole.text.contains(secret), "no secret stands in it");
}

#[tokio::test]
async fn a_bound_key_does_not_loosen_itself() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let renew = "mutation ($id: ID!) { renewApiKey(id: $id, expiresAt: \"2999-01-01T00:00:00Z\") { key } }";
    for bound in [
        json!({ "name": "here", "addresses": ["127.0.0.1"] }),
        json!({ "name": "today", "expiresAt": "2998-01-01T00:00:00Z" }),
        json!({ "name": "slow", "pointsPerSecond": 100_000 }),
    ] {
        let issued = create(&tenant, bound).await;
        let key = client(&app, &issued);
        let made = key.graphql(CREATE, json!({ "input": { "name": "free" } })).await;
        assert!(made.code() == "FORBIDDEN" && made.text.contains("cannot create or renew keys"), "{}", made.text);
        assert_eq!(key.code(renew, json!({ "id": issued["apiKey"]["id"] })).await, "FORBIDDEN");
    }
}

#[tokio::test]
async fn what_is_left_is_told_and_too_much_is_refused_until_when() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let issued = create(&tenant, json!({ "name": "slow", "pointsPerSecond": 200 })).await;
    let key = client(&app, &issued);
    let ask = json!({ "query": READ });
    let asks = [
        key.request(Method::POST, "/graphql").json(&ask),
        key.request(Method::GET, "/api/schema.graphql"),
        app.anonymous().request(Method::POST, "/graphql/account").json(&json!({ "query": "{ __typename }" })),
    ];
    for request in asks {
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| answer.headers()[name].to_str().expect("a text").to_owned();
        assert!(header("ratelimit-policy").starts_with("\"points\";q="), "{:?}", answer.headers());
        assert!(header("ratelimit").starts_with("\"points\";r="), "{:?}", answer.headers());
    }
    let limited = async |request: &dyn Fn() -> reqwest::RequestBuilder| {
        for _ in 0..2_000 {
            let answer = request().send().await.expect("an answer");
            if answer.status() == 429 {
                let wait = answer.headers()["retry-after"].to_str().expect("seconds").to_owned();
                let code = answer.json::<Value>().await.expect("JSON")["errors"][0]["extensions"]["code"].clone();
                assert_eq!(code, "RATE_LIMITED");
                return wait.parse::<u64>().expect("seconds");
            }
        }
        panic!("never refused");
    };
    assert!(limited(&|| key.request(Method::POST, "/graphql").json(&ask)).await >= 1);
    assert!(limited(&|| key.request(Method::GET, "/api/imports/0190a000-0000-7000-8000-000000000000")).await >= 1);
    Answer::of(tenant.api_key.request(Method::POST, "/graphql").json(&ask)).await.data();
}
