//! Who may do what: roles down to the record and the field, through the doors.

mod hidden;
mod roles;

use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};

/// A new role.
pub async fn role(tenant: &Tenant, input: Value) {
    let query = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";
    tenant.data(query, json!({ "input": input })).await;
}

/// A program with a role.
pub fn program(app: &TestApp, tenant: &Tenant, role: &str) -> Client {
    let made = app.cli(&["api-key", "create", "--tenant", &tenant.slug, "--name", role, "--role", role]);
    app.with_token(made.printed())
}
