//! Rollups over rollups: lands have towns, towns have customers, customers have sales.

mod definition;
mod feed;
mod money;
mod upkeep;

use serde_json::{Value, json};
use tests::{Answer, Tenant};
/// The objects and their links, without any rollup.
async fn objects(tenant: &Tenant) {
    for name in ["land", "town", "sale"] {
        tenant.object(name).await;
    }
    tenant.belongs_to("town", "land", "towns", "SET_NULL").await;
    tenant.belongs_to("customer", "town", "customers", "SET_NULL").await;
    tenant.belongs_to("sale", "customer", "sales", "CASCADE").await;
    tenant.field(json!({ "object": "sale", "name": "amount", "type": "DECIMAL", "scale": 2 })).await;
}

/// What customers spent, all and most in a town, and in a land: three rollups, one over the other.
async fn spent(tenant: &Tenant) {
    rollup(tenant, "customer", "spent", sum("sales", "amount")).await.data();
    rollup(tenant, "town", "spent", sum("customers", "spent")).await.data();
    let best = json!({ "relation": "customers", "function": "MAX", "field": "spent" });
    rollup(tenant, "town", "best", best).await.data();
    rollup(tenant, "land", "spent", sum("towns", "spent")).await.data();
}

fn sum(relation: &str, field: &str) -> Value {
    json!({ "relation": relation, "function": "SUM", "field": field })
}

/// Asks for a rollup.
async fn rollup(tenant: &Tenant, object: &str, name: &str, rollup: Value) -> Answer {
    tenant.try_field(json!({ "object": object, "name": name, "type": "ROLLUP", "rollup": rollup })).await
}

/// The id of a field.
async fn field_id(tenant: &Tenant, object: &str, name: &str) -> Value {
    let query = "query ($object: String!) { object(name: $object) { fields { id name } } }";
    let fields = tenant.data(query, json!({ "object": object })).await["object"]["fields"].clone();
    let field = fields.as_array().expect("fields").iter().find(|field| field["name"] == name);
    field.unwrap_or_else(|| panic!("{object} has no field {name}"))["id"].clone()
}

/// Defines a rollup anew.
async fn redefine(tenant: &Tenant, id: &Value, rollup: Value) -> Answer {
    let query = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) { state } }";
    tenant.graphql(query, json!({ "id": id, "input": { "rollup": rollup } })).await
}

/// Two lands with a town each, three customers with a sale each: their ids by name.
struct Scene {
    north: String,
    south: String,
    aire: String,
    brest: String,
    ada: String,
    bea: String,
    cal: String,
    of_ada: String,
    of_bea: String,
    of_cal: String,
}

async fn scene(tenant: &Tenant) -> Scene {
    let land = async |name: &str| tenant.create("land", json!({ "name": name })).await;
    let town = async |name: &str, land: &str| tenant.create("town", json!({ "name": name, "land": land })).await;
    let customer = async |name: &str, town: &str| {
        tenant.create("customer", json!({ "name": name, "externalId": name, "town": town })).await
    };
    let sale = async |amount: &str, customer: &str| {
        tenant.create("sale", json!({ "name": "P", "amount": amount, "customer": customer })).await
    };
    let (north, south) = (land("North").await, land("South").await);
    let (aire, brest) = (town("Aire", &north).await, town("Brest", &south).await);
    let (ada, bea, cal) = (customer("Ada", &aire).await, customer("Bea", &aire).await, customer("Cal", &brest).await);
    let of_ada = sale("5", &ada).await;
    let of_bea = sale("7", &bea).await;
    let of_cal = sale("30", &cal).await;
    Scene { north, south, aire, brest, ada, bea, cal, of_ada, of_bea, of_cal }
}

/// All that the rollups `spent` and `best` hold: `North 12.00, South 30.00; Aire 12.00 best 7.00, …; Ada 5.00, …`.
async fn totals(tenant: &Tenant) -> String {
    let query = "{ lands(orderBy: [{ name: ASC }]) { nodes { name spent } }
        towns(orderBy: [{ name: ASC }]) { nodes { name spent best } }
        customers(orderBy: [{ name: ASC }]) { nodes { name spent } } }";
    let data = tenant.data(query, json!({})).await;
    let line = |record: &Value| {
        let amount = |name: &str| record[name].as_str().unwrap_or("none").to_owned();
        let best = record.get("best").map_or_else(String::new, |_| format!(" best {}", amount("best")));
        format!("{} {}{best}", amount("name"), amount("spent"))
    };
    let level = |plural: &str| {
        let nodes = data[plural]["nodes"].as_array().expect("nodes");
        nodes.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    ["lands", "towns", "customers"].map(level).join("; ")
}
