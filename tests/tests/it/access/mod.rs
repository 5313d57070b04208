//! Permissions: roles down to the record and the field, through the endpoints.

mod around;
mod derived_from;
mod hidden;
mod members;
mod roles;

use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};

/// Operations on everything.
pub fn all() -> Value {
    json!({ "create": "ALL", "read": "ALL", "update": "ALL", "delete": "ALL", "restore": "ALL", "destroy": "ALL",
        "merge": "ALL", "import": "ALL", "export": "ALL" })
}

/// The same on one object, apart from what is given.
pub fn on(object: &str, more: Value) -> Value {
    let mut access = all();
    access["object"] = json!(object);
    for (key, value) in more.as_object().unwrap() {
        access[key] = value.clone();
    }
    access
}

/// A role that may do everything, but cannot see one field.
pub fn hiding(name: &str, object: &str, field: &str, permissions: &[&str]) -> Value {
    let fields = json!({ "fields": [{ "field": field, "access": "HIDDEN" }] });
    json!({ "name": name, "permissions": permissions, "others": all(), "objects": [on(object, fields)] })
}

/// A new role.
pub async fn role(tenant: &Tenant, input: Value) {
    let query = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";
    tenant.data(query, json!({ "input": input })).await;
}

/// An API key with a role.
pub fn program(app: &TestApp, tenant: &Tenant, role: &str) -> Client {
    app.api_key(&tenant.slug, role)
}

/// An invited person who has joined, with their member id.
pub async fn member(app: &TestApp, tenant: &Tenant, email: &str, role: &str) -> (Client, String) {
    const PASSWORD: &str = "a long enough passphrase";
    let invite = "mutation ($email: String!, $role: String!) { inviteMember(email: $email, role: $role) { id } }";
    tenant.owner().await.data(invite, json!({ "email": email, "role": role })).await;
    let message = app.mailbox().take(email, &format!("Invitation to {}", tenant.slug)).await;
    let accept = "mutation ($token: String!, $person: PersonInput) {
        acceptInvitation(token: $token, person: $person) { memberId } }";
    let person = json!({ "firstName": email, "lastName": "Member", "password": PASSWORD });
    let joined = app.anonymous().account(accept, json!({ "token": message.token(), "person": person })).await.data();
    let id = joined["acceptInvitation"]["memberId"].as_str().expect("an id").to_owned();
    (sign_in(app, email, PASSWORD).await, id)
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Client {
    let query =
        "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) { accessToken } }";
    let signed = app.anonymous().account(query, json!({ "email": email, "password": password })).await.data();
    app.with_token(signed["signIn"]["accessToken"].as_str().expect("a token"))
}
