//! Records written and read.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenants::testing;

use super::World;
use crate::graphql::Request;

#[tokio::test]
async fn a_customer_is_created_and_listed() {
    let world = World::new().await;
    let created = world
        .data(r#"mutation { createCustomer(data: { kind: "person", firstName: "Amel", lastName: "Haddad", city: "Alger", tags: ["vip"] }) { id name city tags version __typename } }"#)
        .await;
    let customer = &created["createCustomer"];
    assert_eq!(customer["name"], "Amel Haddad");
    assert_eq!(customer["__typename"], "Customer");
    let id = customer["id"].as_str().unwrap();
    let found = world
        .data_with(
            r#"query Q($id: ID!, $filter: CustomerFilter, $order: [CustomerOrderBy!]!) {
                one: customer(id: $id) { city tags createdBy { kind } }
                customers(filter: $filter, orderBy: $order, first: 5) {
                    totalCount pageInfo { hasNextPage startCursor } nodes { id } edges { cursor node { name interactions { totalCount } } }
                }
            }"#,
            json!({ "id": id, "filter": { "city": { "eq": "ALGER" } }, "order": [{ "createdAt": "DESC" }] }),
        )
        .await;
    assert_eq!(found["one"]["city"], "Alger");
    assert_eq!(found["customers"]["totalCount"], 1);
    assert_eq!(found["customers"]["nodes"][0]["id"], id);
    assert_eq!(found["customers"]["edges"][0]["node"]["interactions"]["totalCount"], 0);
    let missing = world.data(r#"{ customer(id: "0190b7c2-0000-7000-8000-000000000000") { id } }"#).await;
    assert_eq!(missing, json!({ "customer": null }));
}

#[tokio::test]
async fn merged_fields_are_written_once() {
    let world = World::new().await;
    let data = world
        .data(r#"mutation { createCustomer(data: { companyName: "Acme" }) { id } createCustomer(data: { companyName: "Acme" }) { name } }"#)
        .await;
    assert!(data["createCustomer"]["id"].is_string() && data["createCustomer"]["name"] == "Acme", "{data}");
    assert_eq!(world.data("{ customers { totalCount } }").await, json!({ "customers": { "totalCount": 1 } }));
}

#[tokio::test]
async fn records_are_upserted_updated_archived_restored_and_destroyed() {
    let world = World::new().await;
    let create = r#"mutation($data: [CustomerCreateInput!]!) {
        createCustomers(data: $data, upsertOn: [externalId]) { id name externalId city }
    }"#;
    let data =
        json!({ "data": [{ "companyName": "A", "externalId": "1" }, { "companyName": "B", "externalId": "2" }] });
    let first = world.data_with(create, data).await;
    let again = world.data_with(create, json!({ "data": [{ "externalId": "2", "city": "Oran" }] })).await;
    assert_eq!(again["createCustomers"][0]["id"], first["createCustomers"][1]["id"]);
    assert_eq!(again["createCustomers"][0]["city"], "Oran");
    let id = &first["createCustomers"][0]["id"];
    let done = world
        .data_with(
            r#"mutation($id: ID!) {
                updateCustomer(id: $id, data: { city: "Blida" }, version: 1) { city version }
                deleteCustomer(id: $id) { archivedAt }
                restoreCustomer(id: $id) { archivedAt }
                destroyCustomer(id: $id)
            }"#,
            json!({ "id": id }),
        )
        .await;
    assert_eq!(done["updateCustomer"], json!({ "city": "Blida", "version": 2 }));
    assert!(done["deleteCustomer"]["archivedAt"].is_string() && done["restoreCustomer"]["archivedAt"].is_null());
    assert_eq!(done["destroyCustomer"], *id);
    let gone = world.ask("mutation($id: ID!) { a: destroyCustomer(id: $id) b: __typename }", json!({ "id": id })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(gone["errors"][0]["path"], json!(["a"]));
    assert_eq!(gone["data"], json!({ "a": null, "b": "Mutation" }));
}

#[tokio::test]
async fn totals_and_groups_are_computed() {
    let world = World::new().await;
    world.data(r#"mutation { createCustomers(data: [{ companyName: "A", city: "Alger" }, { companyName: "B", city: "alger" }, { companyName: "C", city: "Oran" }]) { id } }"#).await;
    let data = world
        .data(
            r#"{ customersAggregate(groupBy: [{ city: VALUE }], orderBy: [{ by: COUNT, direction: DESC }]) {
                count min { createdAt } sum { interactionsCount } groups { count key { city __typename } avg { interactionsCount } }
            } }"#,
        )
        .await;
    let totals = &data["customersAggregate"];
    assert_eq!(totals["count"], 3);
    assert_eq!(totals["groups"][0]["count"], 2);
    assert_eq!(totals["groups"][1]["key"]["city"], "Oran");
}

#[tokio::test]
async fn introspection_stands_beside_data() {
    let world = World::new().await;
    let data = world
        .data(
            r#"query($f: CustomerFilter) { ...q customers(filter: $f) { totalCount } me { organisation { currency } } }
            fragment q on Query { t: __type(name: "PageInfo") { name fields { name } } __schema { queryType { name } } __typename }"#,
        )
        .await;
    assert_eq!(data["t"]["fields"][1]["name"], "hasPreviousPage");
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
    assert_eq!(data["me"]["organisation"]["currency"], "DZD");
    let keys: Vec<&String> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["t", "__schema", "__typename", "customers", "me"]);
}

#[tokio::test]
async fn records_are_found_by_who_made_changed_or_owns_them() {
    let world = World::new().await;
    let member = entities::ids::MemberId::new();
    let caller = tenants::Caller { actor: tenants::Actor::Member(member), ..(*testing::caller(&world.db)).clone() };
    let request = Request {
        query: r#"mutation { createCustomers(data: [{ companyName: "A" }, { companyName: "B" }]) { id } }"#.to_owned(),
        ..Request::default()
    };
    world.endpoint.respond(Arc::new(caller), world.db.clone(), &request, true).await.unwrap();
    world.data(r#"mutation { createCustomer(data: { companyName: "C" }) { id } }"#).await;
    world
        .data(r#"mutation { updateCustomers(filter: { name: { eq: "b" } }, data: { city: "Oran" }) { changed } }"#)
        .await;
    let found = async |filter: Json| {
        let document =
            "query($f: CustomerFilter) { customers(filter: $f, orderBy: [{ name: ASC }]) { nodes { name } } }";
        let data = world.data_with(document, json!({ "f": filter })).await;
        let names = data["customers"]["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap());
        names.collect::<String>()
    };
    assert_eq!(found(json!({ "createdBy": { "eq": { "id": member.to_string() } } })).await, "AB");
    assert_eq!(found(json!({ "createdBy": { "eq": { "kind": "SYSTEM" } } })).await, "C");
    assert_eq!(found(json!({ "updatedBy": { "in": [{ "kind": "SYSTEM" }] } })).await, "BC");
    assert_eq!(
        found(json!({ "createdBy": { "ne": { "kind": "SYSTEM" } }, "updatedBy": { "ne": { "kind": "MEMBER" } } }))
            .await,
        "B"
    );
    assert_eq!(found(json!({ "owner": { "id": { "isNull": true } } })).await, "ABC");
    let refused =
        world.ask("{ customers(filter: { createdBy: { eq: { kind: ROBOT } } }) { totalCount } }", json!({})).await;
    assert_eq!(refused["refused"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let refused = world.ask("{ customers(filter: { createdBy: { eq: {} } }) { totalCount } }", json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_FILTER", "{refused}");
}
