//! What tests add to the catalog of an organisation.

use serde_json::{Value, json};

use crate::{Answer, Tenant};

impl Tenant {
    /// A new object with nothing but a name: `town`, with the plural `towns`.
    pub async fn object(&self, name: &str) {
        let query = "mutation ($input: CreateObjectInput!) { createObject(input: $input) { name } }";
        let input = json!({ "name": name, "plural": format!("{name}s"), "label": { "en": name } });
        self.data(query, json!({ "input": input })).await;
    }

    /// A new field that must be accepted; answers its id.
    pub async fn field(&self, input: Value) -> Value {
        self.try_field(input).await.data()["createField"]["id"].clone()
    }

    /// Asks for a new field.
    pub async fn try_field(&self, input: Value) -> Answer {
        let query = "mutation ($input: CreateFieldInput!) { createField(input: $input) { id name type state } }";
        self.graphql(query, json!({ "input": input })).await
    }

    /// A link of many records to one, named like the object at the other end, where `inverse` lists them.
    pub async fn belongs_to(&self, object: &str, to: &str, inverse: &str, on_destroy: &str) {
        let relation = json!({ "to": to, "kind": "MANY_TO_ONE", "inverse": inverse, "onDestroy": on_destroy });
        self.field(json!({ "object": object, "name": to, "type": "RELATION", "relation": relation })).await;
    }
}
