//! Helpers that several suites need in an organisation.

use serde_json::{Value, json};
use tests::Tenant;

/// Creates a field and returns it.
pub async fn field(tenant: &Tenant, input: Value) -> Value {
    let query = "mutation ($input: CreateFieldInput!) { createField(input: $input) { id name state } }";
    tenant.data(query, json!({ "input": input })).await["createField"].clone()
}

/// A custom object: vehicles with a price, a colour and an owner among the customers.
pub async fn vehicles(tenant: &Tenant) {
    let query = "mutation ($input: CreateObjectInput!) { createObject(input: $input) { name } }";
    let input = json!({ "name": "vehicle", "plural": "vehicles", "label": { "en": "Vehicle", "fr": "Véhicule" } });
    tenant.data(query, json!({ "input": input })).await;
    field(
        tenant,
        json!({ "object": "vehicle", "name": "price", "label": { "en": "Price" }, "type": "DECIMAL", "scale": 2 }),
    )
    .await;
    let colours = json!([{ "value": "red", "label": { "en": "Red" } }, { "value": "blue", "label": { "en": "Blue" } }]);
    field(tenant, json!({ "object": "vehicle", "name": "colour", "label": { "en": "Colour" }, "type": "SELECT", "options": colours })).await;
    let relation = json!({ "to": "customer", "kind": "MANY_TO_ONE", "inverse": "vehicles", "onDestroy": "SET_NULL" });
    field(tenant, json!({ "object": "vehicle", "name": "customer", "label": { "en": "Owner" }, "type": "RELATION", "relation": relation })).await;
}
