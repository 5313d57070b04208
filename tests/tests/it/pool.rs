//! No service asks the pool for a connection while it holds one: with few connections, all go on.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Client, TestApp};

use crate::{isolation::schema::Schema, world};

/// An answer, which must come in time.
async fn soon(what: &str, client: &Client, query: &str, variables: Value) -> Answer {
    let asked = tokio::time::timeout(Duration::from_secs(20), client.graphql(query, variables));
    asked.await.unwrap_or_else(|_| panic!("no answer: {what}"))
}

#[tokio::test]
async fn every_operation_is_answered_over_one_connection() {
    let app = TestApp::start_with(&[("CLIENTELE_DATABASE_CONNECTIONS", "1")]).await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let customer = tenant.create("customer", json!({ "name": "Ada", "email": "ada@example.com" })).await;
    let schema = Schema::of(&tenant.api_key, "/graphql").await;
    let mut called = 0;
    for (kind, field) in schema.roots() {
        let Some((query, variables)) = schema.call(kind, field, &customer) else { continue };
        soon(&query, &tenant.api_key, &query, variables).await;
        called += 1;
    }
    assert!(called > 80, "{called} operations");
}

/// What people do in a day, with arguments that are taken.
#[tokio::test]
async fn services_do_their_work_over_one_connection() {
    let app = TestApp::start_with(&[("CLIENTELE_DATABASE_CONNECTIONS", "1")]).await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let fleet = json!({ "relation": "vehicles", "function": "SUM", "field": "price" });
    tenant.field(json!({ "object": "customer", "name": "fleet", "type": "ROLLUP", "rollup": fleet })).await;
    let owner = tenant.owner().await;
    for document in [
        "mutation { inviteMember(email: \"ann@example.com\", role: \"agent\") { id } }",
        "{ invitations { id } }",
        "mutation { createRole(input: { name: \"clerk\", others: { read: ALL } }) { name } }",
        "mutation { updateRole(name: \"clerk\", input: { permissions: [MANAGE_MEMBERS] }) { name } }",
        "mutation { deleteRole(name: \"clerk\") }",
        "mutation { createTeam(name: \"North\") { id } }",
        "mutation { createApiKey(input: { name: \"etl\", role: \"agent\" }) { key } }",
        "mutation { updateSecuritySettings(input: { logDays: 30 }) { logDays } }",
        "{ securityLog(first: 10) { nodes { kind } } }",
        "mutation { setExchangeRate(currency: \"EUR\", rate: \"1.1\") { rate } }",
        "mutation { createSection(input: { object: \"customer\", name: \"more\" }) { id } }",
        "mutation { createCustomers(data: [{ name: \"Ada\", externalId: \"1\", email: \"a@example.com\" }, { name: \"Bea\", externalId: \"2\" }], upsertOn: [externalId]) { id } }",
        "mutation { createCustomers(data: [{ name: \"Ada L\", externalId: \"1\" }], upsertOn: [externalId]) { id contactPoints { nodes { value } } } }",
        "mutation { updateCustomers(filter: {}, all: true, data: { city: \"Oran\" }) { runId changed } }",
        "{ customers { totalCount nodes { fleet history { nodes { kind changes { field } } } } } }",
        "{ changes(after: 0) { nodes { kind } } }",
        "mutation { deleteCustomers(filter: { externalId: { eq: \"2\" } }) { runId } }",
        "{ runs { id status } }",
    ] {
        soon(document, &owner, document, json!({})).await.data();
    }
    let (run, ended) = tenant.api_key.import("vehicle", "name,price,customer\nA,5,1\nB,7,1\n").await;
    assert_eq!(ended["changed"], 2, "{ended}");
    let fleet = async || {
        let query = "{ customers(filter: { externalId: { eq: \"1\" } }) { nodes { fleet } } }";
        tenant.data(query, json!({})).await["customers"]["nodes"][0]["fleet"].clone()
    };
    assert_eq!(fleet().await, "12.00");
    let undone = tokio::time::timeout(Duration::from_secs(20), tenant.api_key.undo(&run)).await.expect("in time");
    assert_eq!((&undone["status"], fleet().await), (&json!("DONE"), json!("0.00")));
}
