//! Filters by how many related records there are.

use serde_json::{Value, json};
use tests::{Client, Tenant, TestApp};

use crate::{access, world};

/// Ada has a red and two blue vehicles, Bea a red one, Cal none. One of Ada's blue ones has the plate `16`.
async fn fleet(tenant: &Tenant) {
    world::vehicles(tenant).await;
    tenant.field(json!({ "object": "vehicle", "name": "plate", "type": "TEXT" })).await;
    for (name, vehicles) in
        [("Ada", &[("red", "1"), ("blue", "2"), ("blue", "16")][..]), ("Bea", &[("red", "3")]), ("Cal", &[])]
    {
        let customer = tenant.create("customer", json!({ "name": name })).await;
        for (colour, plate) in vehicles {
            let data = json!({ "name": "V", "colour": colour, "plate": plate, "customer": customer });
            tenant.create("vehicle", data).await;
        }
    }
}

/// Names of the customers that a filter finds, in their order.
async fn found(client: &Client, filter: Value) -> Vec<String> {
    let query = "query ($filter: CustomerFilter) { customers(filter: $filter, orderBy: [{ name: ASC }]) {
        nodes { name } totalCount } }";
    let data = client.data(query, json!({ "filter": filter })).await["customers"].clone();
    let nodes = data["nodes"].as_array().expect("nodes").clone();
    assert_eq!(data["totalCount"], nodes.len());
    nodes.iter().map(|node| node["name"].as_str().expect("a name").to_owned()).collect()
}

async fn vehicles(client: &Client, filter: Value) -> Vec<String> {
    found(client, json!({ "vehicles": filter })).await
}

#[tokio::test]
async fn records_are_found_by_how_many_they_have() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    for (count, expected) in [
        (json!({ "eq": 0 }), &["Cal"][..]),
        (json!({ "eq": 1 }), &["Bea"]),
        (json!({ "ne": 1 }), &["Ada", "Cal"]),
        (json!({ "lt": 1 }), &["Cal"]),
        (json!({ "lte": 1 }), &["Bea", "Cal"]),
        (json!({ "gt": 1 }), &["Ada"]),
        (json!({ "gte": 1 }), &["Ada", "Bea"]),
        (json!({ "gte": 0 }), &["Ada", "Bea", "Cal"]),
        (json!({ "gte": 1, "lt": 3 }), &["Bea"]),
    ] {
        assert_eq!(vehicles(&tenant.api_key, json!({ "count": count })).await, expected, "{count}");
    }
}

#[tokio::test]
async fn those_that_are_counted_may_have_to_match() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    let client = &tenant.api_key;
    for (filter, expected) in [
        (json!({ "count": { "gte": 2 }, "where": { "colour": { "eq": "blue" } } }), &["Ada"][..]),
        (json!({ "count": { "eq": 1 }, "where": { "colour": { "eq": "red" } } }), &["Ada", "Bea"]),
        (json!({ "count": { "eq": 0 }, "where": { "colour": { "eq": "blue" } } }), &["Bea", "Cal"]),
        (json!({ "count": { "gte": 2 }, "where": { "plate": { "startsWith": "1" } } }), &["Ada"]),
        (
            json!({ "count": { "eq": 1 }, "where": { "or": [{ "plate": { "eq": "16" } }, { "plate": { "eq": "3" } }] } }),
            &["Ada", "Bea"],
        ),
        (
            json!({ "count": { "eq": 2 }, "where": { "customer": { "name": { "eq": "ada" } }, "colour": { "eq": "blue" } } }),
            &["Ada"],
        ),
        (json!({ "count": { "gte": 1 }, "where": {} }), &["Ada", "Bea"]),
        (json!({ "count": { "gte": 2 }, "some": { "plate": { "eq": "16" } } }), &["Ada"]),
        (json!({ "count": { "gte": 1 }, "none": { "colour": { "eq": "blue" } } }), &["Bea"]),
    ] {
        assert_eq!(vehicles(client, filter.clone()).await, expected, "{filter}");
    }
    let many = json!({ "vehicles": { "count": { "gte": 2 } } });
    assert_eq!(found(client, json!({ "not": many })).await, ["Bea", "Cal"]);
    assert_eq!(found(client, json!({ "or": [many, { "name": { "eq": "cal" } }] })).await, ["Ada", "Cal"]);
    let query = "query ($filter: VehicleFilter) { vehicles(filter: $filter) { totalCount } }";
    let nested = json!({ "filter": { "customer": many } });
    assert_eq!(client.data(query, nested).await["vehicles"]["totalCount"], 3);
}

#[tokio::test]
async fn archived_ones_do_not_count() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    let client = &tenant.api_key;
    let archive = "mutation { deleteVehicles(filter: { colour: { eq: \"blue\" } }) { changed } }";
    assert_eq!(client.data(archive, json!({})).await["deleteVehicles"]["changed"], 2);
    assert_eq!(vehicles(client, json!({ "count": { "eq": 1 } })).await, ["Ada", "Bea"]);
    assert_eq!(vehicles(client, json!({ "count": { "gte": 2 } })).await, [""; 0]);
    let blue = json!({ "count": { "eq": 0 }, "where": { "colour": { "eq": "blue" } } });
    assert_eq!(vehicles(client, blue).await, ["Ada", "Bea", "Cal"]);
}

#[tokio::test]
async fn links_between_many_are_counted_from_both_sides() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let relation = json!({ "to": "customer", "kind": "MANY_TO_MANY", "inverse": "drives" });
    tenant.field(json!({ "object": "vehicle", "name": "drivers", "type": "RELATION", "relation": relation })).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let bea = tenant.create("customer", json!({ "name": "Bea" })).await;
    tenant.create("vehicle", json!({ "name": "A", "drivers": [ada, bea] })).await;
    tenant.create("vehicle", json!({ "name": "B", "drivers": [ada] })).await;
    let client = &tenant.api_key;
    assert_eq!(found(client, json!({ "drives": { "count": { "eq": 2 } } })).await, ["Ada"]);
    let other = json!({ "drives": { "count": { "gte": 1 }, "where": { "name": { "eq": "A" } } } });
    assert_eq!(found(client, other).await, ["Ada", "Bea"]);
    let query = "{ vehicles(filter: { drivers: { count: { gt: 1 } } }) { nodes { name } } }";
    assert_eq!(client.data(query, json!({})).await["vehicles"]["nodes"], json!([{ "name": "A" }]));
}

#[tokio::test]
async fn only_what_one_sees_is_counted() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    // Vehicles have no owner: they are whose they were made by.
    let own = access::on("vehicle", json!({ "read": "OWN" }));
    access::role(&tenant, json!({ "name": "clerk", "others": access::all(), "objects": [own] })).await;
    access::role(&tenant, access::hiding("blind", "vehicle", "plate", &[])).await;
    let (clerk, blind) = (access::program(&app, &tenant, "clerk"), access::program(&app, &tenant, "blind"));
    let one = json!({ "count": { "gte": 1 } });
    assert_eq!(vehicles(&clerk, one.clone()).await, [""; 0]);
    assert_eq!(vehicles(&clerk, json!({ "count": { "eq": 0 } })).await, ["Ada", "Bea", "Cal"]);
    let cal = clerk.data("{ customers(filter: { name: { eq: \"cal\" } }) { nodes { id } } }", json!({})).await;
    let query = "mutation ($id: ID!) { createVehicle(data: { name: \"Mine\", customer: $id }) { id } }";
    clerk.data(query, json!({ "id": cal["customers"]["nodes"][0]["id"] })).await;
    assert_eq!(vehicles(&clerk, one.clone()).await, ["Cal"]);
    assert_eq!(vehicles(&tenant.api_key, one.clone()).await, ["Ada", "Bea", "Cal"]);

    assert_eq!(vehicles(&blind, one).await, ["Ada", "Bea", "Cal"]);
    let query =
        "{ customers(filter: { vehicles: { count: { eq: 1 }, where: { plate: { eq: \"16\" } } } }) { totalCount } }";
    assert_eq!(blind.code(query, json!({})).await, "FORBIDDEN");
}

#[tokio::test]
async fn changes_and_totals_go_by_counts_too() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    let query = "mutation { updateCustomers(filter: { vehicles: { count: { gte: 1 } } }, data: { city: \"Oran\" }) { matched } }";
    assert_eq!(tenant.data(query, json!({})).await["updateCustomers"]["matched"], 2);
    let query = "{ customersAggregate(filter: { vehicles: { count: { lte: 1 } } }) { count } }";
    assert_eq!(tenant.data(query, json!({})).await["customersAggregate"]["count"], 2);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    fleet(&tenant).await;
    let query = "query ($filter: CustomerFilter) { customers(filter: $filter) { totalCount } }";
    for (filter, place) in [
        (json!({ "where": { "plate": { "eq": "1" } } }), "vehicles.where"),
        (json!({ "some": {}, "where": { "plate": { "eq": "1" } } }), "vehicles.where"),
        (json!({ "count": { "eq": null } }), "vehicles.count.eq"),
        (json!({ "count": { "gte": 1 }, "where": { "price": { "eq": null } } }), "vehicles.where.price.eq"),
    ] {
        let refused = tenant.graphql(query, json!({ "filter": { "vehicles": filter } })).await;
        assert_eq!(refused.code(), "BAD_FILTER", "{filter}: {}", refused.text);
        assert_eq!(refused.body["errors"][0]["extensions"]["filterPath"], place, "{filter}");
    }
}
