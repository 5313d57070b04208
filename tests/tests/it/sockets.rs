//! Open connections: what ends them, on every node, and news of what other processes write.

use std::time::Duration;

use serde_json::{Value, json};
use tenants::Clock;
use tests::{Client, Socket, Tenant, TestApp};

const FOLLOW: &str = "subscription { customerChanged { kind record { name } } }";
/// Longer than any revocation takes on a busy machine: what it is measured to take is in the benchmarks.
const SOON: Duration = Duration::from_secs(20);

/// A key of the organisation, made by its admin.
async fn key(tenant: &Tenant, input: Value) -> (String, Client) {
    let query = "mutation ($input: ApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }";
    let made = tenant.data(query, json!({ "input": input })).await["createApiKey"].clone();
    let key = tenant.api_key.with_token(made["key"].as_str().expect("a key"));
    (made["apiKey"]["id"].as_str().expect("an id").to_owned(), key)
}

#[tokio::test]
async fn news_of_another_process_comes_to_everybody_who_waits() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let (acme, other) = (app.tenant("acme"), app.tenant("other"));
    let mut waiting = vec![
        Socket::following(&acme.api_key, FOLLOW).await,
        Socket::following(&acme.api_key, FOLLOW).await,
        Socket::following(&acme.owner().await, FOLLOW).await,
    ];
    let mut elsewhere = Socket::following(&other.api_key, FOLLOW).await;
    let create = "mutation ($name: String!) { createCustomer(data: { companyName: $name }) { id } }";
    for name in ["first", "second"] {
        acme.api_key.at(&beside).data(create, json!({ "name": name })).await;
        for socket in &mut waiting {
            let told = &socket.next().await["payload"]["data"]["customerChanged"];
            assert_eq!(*told, json!({ "kind": "CREATED", "record": { "name": name } }));
        }
    }
    other.api_key.at(&beside).data(create, json!({ "name": "theirs" })).await;
    assert_eq!(elsewhere.next().await["payload"]["data"]["customerChanged"]["record"]["name"], "theirs");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_connections_along() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let tenant = app.tenant("acme");
    let (leaving, staying) = (tenant.owner().await, tenant.owner().await);
    let gone = [Socket::open(&leaving).await, Socket::following(&leaving.at(&beside), FOLLOW).await];
    let mut left = [Socket::open(&staying).await, Socket::open(&tenant.api_key.at(&beside)).await];
    leaving.account("mutation { signOut }", json!({})).await.data();
    for socket in gone {
        assert_eq!(socket.closed(SOON).await.0, 4403);
    }
    for socket in &mut left {
        socket.lives().await;
    }
}

#[tokio::test]
async fn a_key_that_expires_or_is_renewed_takes_its_connections_along() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let tenant = app.tenant("acme");
    let (id, renewed) = key(&tenant, json!({ "name": "renewed" })).await;
    let sockets = [Socket::open(&renewed).await, Socket::open(&renewed.at(&beside)).await];
    let renew = "mutation ($id: ID!) { renewApiKey(id: $id, overlapSeconds: 0) { key } }";
    tenant.data(renew, json!({ "id": id })).await;
    for socket in sockets {
        assert_eq!(socket.closed(SOON).await.0, 4403);
    }
    let expires = Clock::fixed(Clock::system().micros() + 3_000_000).now().to_rfc3339();
    let (_, expiring) = key(&tenant, json!({ "name": "expiring", "expiresAt": expires })).await;
    assert_eq!(Socket::open(&expiring).await.closed(SOON).await.0, 4403);
}

#[tokio::test]
async fn a_role_that_changes_closes_the_connections_of_those_who_have_it() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let tenant = app.tenant("acme");
    let role = |object: &str| json!({ "objects": [{ "object": object, "read": "ALL" }] });
    let create = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";
    for name in ["one", "two"] {
        let mut input = role("customer");
        input["name"] = json!(name);
        input["label"] = json!(name);
        tenant.data(create, json!({ "input": input })).await;
    }
    let (one, two) = (app.api_key("acme", "one"), app.api_key("acme", "two"));
    let closing = [Socket::open(&one).await, Socket::following(&one.at(&beside), FOLLOW).await];
    let mut open = [Socket::open(&two).await, Socket::open(&two.at(&beside)).await];
    let update = "mutation ($input: RoleInput!) { updateRole(name: \"one\", input: $input) { name } }";
    tenant.data(update, json!({ "input": role("interaction") })).await;
    for socket in closing {
        let (code, reason) = socket.closed(SOON).await;
        assert!(code == 4403 && reason.starts_with("Access changed"), "{code} {reason}");
    }
    for socket in &mut open {
        socket.lives().await;
    }
}

#[tokio::test]
async fn an_organisation_that_is_destroyed_closes_its_connections() {
    let app = TestApp::start().await;
    let (gone, left) = (app.tenant("gone"), app.tenant("left"));
    let sockets = [Socket::open(&gone.api_key).await, Socket::following(&gone.owner().await, FOLLOW).await];
    let mut open = Socket::following(&left.api_key, FOLLOW).await;
    app.cli(&["tenant", "destroy", "gone", "--yes"]).printed();
    for socket in sockets {
        assert_eq!(socket.closed(SOON).await.0, 4403);
    }
    open.lives().await;
}
