//! Links between many records on both sides: pairs are added and taken away, singly, by list and by filter.

use std::fmt::Write;

use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp};

use crate::{access, world};

/// Vehicles have drivers, customers drive vehicles.
async fn drivers(tenant: &Tenant) {
    world::vehicles(tenant).await;
    let relation = json!({ "to": "customer", "kind": "MANY_TO_MANY", "inverse": "drives" });
    tenant.field(json!({ "object": "vehicle", "name": "drivers", "type": "RELATION", "relation": relation })).await;
}

async fn customer(tenant: &Tenant, name: &str) -> String {
    tenant.create("customer", json!({ "name": name })).await
}

async fn write(client: &Client, vehicle: &str, drivers: Value) -> Answer {
    client.update("vehicle", vehicle, json!({ "drivers": drivers })).await
}

/// Who drives a vehicle, by name: `Ada Bea`.
async fn drivers_of(client: &Client, vehicle: &str) -> String {
    let query = "query ($id: ID!) { vehicle(id: $id) { drivers(orderBy: [{ name: ASC }]) { nodes { name } } } }";
    let vehicle = client.data(query, json!({ "id": vehicle })).await["vehicle"].clone();
    let nodes = vehicle["drivers"]["nodes"].as_array().expect("nodes").clone();
    nodes.iter().map(|node| node["name"].as_str().expect("a name")).collect::<Vec<_>>().join(" ")
}

async fn version_of(client: &Client, vehicle: &str) -> Value {
    client.data("query ($id: ID!) { vehicle(id: $id) { version } }", json!({ "id": vehicle })).await["vehicle"].clone()
}

/// What the history of a vehicle tells of its drivers, the newest first.
async fn history_of(client: &Client, vehicle: &str) -> Vec<Value> {
    let query = "query ($id: ID!) { vehicle(id: $id) { history { nodes { changes { field from to } } } } }";
    let data = client.data(query, json!({ "id": vehicle })).await;
    let entries = data["vehicle"]["history"]["nodes"].as_array().expect("nodes").clone();
    let changes = entries.iter().flat_map(|entry| entry["changes"].as_array().expect("changes").clone());
    changes.filter(|change| change["field"] == "drivers").map(|change| json!([change["from"], change["to"]])).collect()
}

#[tokio::test]
async fn pairs_are_added_removed_and_set() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let (ada, bea, cal) =
        (customer(&tenant, "Ada").await, customer(&tenant, "Bea").await, customer(&tenant, "Cal").await);
    let car = tenant.create("vehicle", json!({ "name": "Car", "drivers": [ada, bea] })).await;
    let client = &tenant.api_key;
    for (drivers, after) in [
        (json!({ "add": [cal] }), "Ada Bea Cal"),
        (json!({ "remove": [ada] }), "Bea Cal"),
        (json!({ "add": [ada], "remove": [bea, cal] }), "Ada"),
        (json!({ "set": [bea, cal] }), "Bea Cal"),
        (json!({ "set": [] }), ""),
    ] {
        write(client, &car, drivers.clone()).await.data();
        assert_eq!(drivers_of(client, &car).await, after, "{drivers}");
    }
    client.update("customer", &ada, json!({ "drives": { "add": [car] } })).await.data();
    assert_eq!(drivers_of(client, &car).await, "Ada", "from the other side");
    client.update("customer", &ada, json!({ "drives": { "remove": [car] } })).await.data();
    assert_eq!(drivers_of(client, &car).await, "");
}

#[tokio::test]
async fn what_is_so_already_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let (ada, bea) = (customer(&tenant, "Ada").await, customer(&tenant, "Bea").await);
    let car = tenant.create("vehicle", json!({ "name": "Car", "drivers": [ada] })).await;
    let client = &tenant.api_key;
    let (before, (_, seq)) = (version_of(client, &car).await, client.changes(0).await);
    for drivers in [json!({ "add": [ada] }), json!({ "remove": [bea] }), json!({ "set": [ada] }), json!({ "add": [] })]
    {
        write(client, &car, drivers.clone()).await.data();
        assert_eq!(version_of(client, &car).await, before, "{drivers}");
    }
    assert_eq!(client.changes(seq).await.0, [json!(null); 0]);
    write(client, &car, json!({ "add": [ada, bea, bea] })).await.data();
    assert_eq!(drivers_of(client, &car).await, "Ada Bea", "twice in a list is once");
    assert_eq!(history_of(client, &car).await, [json!([null, [bea]])], "the pair that was new");
}

#[tokio::test]
async fn history_names_the_pairs_that_changed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let (ada, bea, cal) =
        (customer(&tenant, "Ada").await, customer(&tenant, "Bea").await, customer(&tenant, "Cal").await);
    let car = tenant.create("vehicle", json!({ "name": "Car", "drivers": [ada] })).await;
    let client = &tenant.api_key;
    let (_, seq) = client.changes(0).await;
    write(client, &car, json!({ "add": [bea] })).await.data();
    write(client, &car, json!({ "remove": [ada] })).await.data();
    write(client, &car, json!({ "set": [cal] })).await.data();
    let expected = [json!([[bea], [cal]]), json!([[ada], null]), json!([null, [bea]])];
    assert_eq!(history_of(client, &car).await, expected);
    let (entries, _) = client.changes(seq).await;
    let told: Vec<_> = entries.iter().map(|entry| json!([entry["kind"], entry["record"], entry["fields"]])).collect();
    let entry = json!(["UPDATED", car, ["drivers"]]);
    assert_eq!(told, [entry.clone(), entry.clone(), entry], "of the record that was written alone");
}

#[tokio::test]
async fn a_list_holds_five_hundred() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let client = &tenant.api_key;
    let car = tenant.create("vehicle", json!({ "name": "Car" })).await;
    let data: Vec<_> = (0..500).map(|number| json!({ "name": format!("C{number}") })).collect();
    let query = "mutation ($data: [CustomerCreateInput!]!) { createCustomers(data: $data) { id } }";
    let made = client.data(query, json!({ "data": data })).await["createCustomers"].clone();
    let ids: Vec<_> = made.as_array().expect("customers").iter().map(|one| one["id"].clone()).collect();
    let count = async || {
        let query = "query ($id: ID!) { vehicle(id: $id) { drivers { totalCount } } }";
        client.data(query, json!({ "id": car })).await["vehicle"]["drivers"]["totalCount"].clone()
    };
    write(client, &car, json!({ "add": ids })).await.data();
    assert_eq!(count().await, 500);
    let more = customer(&tenant, "One more").await;
    let too_many = [&ids[..], &[json!(more)]].concat();
    for drivers in [
        json!({ "set": too_many }),
        json!({ "add": [more], "remove": ids }),
        json!({ "set": [more], "add": [more] }),
        json!({ "set": [more], "remove": [ids[0]] }),
    ] {
        let refused = write(client, &car, drivers).await.complaints();
        assert_eq!(refused[0].0, "drivers");
    }
    assert_eq!(count().await, 500, "what is refused changes nothing");
    write(client, &car, json!({ "remove": ids })).await.data();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_record_that_is_not_there_or_not_seen_is_not_linked() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme"), app.tenant("other"));
    drivers(&tenant).await;
    let car = tenant.create("vehicle", json!({ "name": "Car" })).await;
    let (hidden, foreign) = (customer(&tenant, "Hidden").await, customer(&other, "Foreign").await);
    let own = access::on("customer", json!({ "read": "OWN" }));
    access::role(&tenant, json!({ "name": "clerk", "others": access::all(), "objects": [own] })).await;
    let clerk = access::program(&app, &tenant, "clerk");
    let nothing = "0190a000-0000-7000-8000-000000000000";
    for id in [nothing, hidden.as_str(), foreign.as_str()] {
        for drivers in [json!({ "add": [id] }), json!({ "set": [id] })] {
            let refused = write(&clerk, &car, drivers).await.complaints();
            assert_eq!(refused, [("drivers".to_owned(), "NO_SUCH_RECORD".to_owned())], "{id}");
        }
    }
    assert_eq!(drivers_of(&tenant.api_key, &car).await, "");

    write(&tenant.api_key, &car, json!({ "add": [hidden] })).await.data();
    let history =
        "query ($id: ID!) { vehicle(id: $id) { drivers { totalCount } history { nodes { changes { from to } } } } }";
    let told = clerk.graphql(history, json!({ "id": car })).await;
    assert_eq!(told.data()["vehicle"]["drivers"]["totalCount"], 0);
    assert!(!told.text.contains(&hidden), "nor is it named in the history: {}", told.text);
}

#[tokio::test]
async fn a_few_records_get_a_pair_by_filter() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let (ada, bea) = (customer(&tenant, "Ada").await, customer(&tenant, "Bea").await);
    let client = &tenant.api_key;
    let mut cars = Vec::new();
    for (name, drivers) in [("A", json!([bea])), ("B", json!([ada, bea])), ("C", json!([]))] {
        cars.push(tenant.create("vehicle", json!({ "name": name, "drivers": drivers })).await);
    }
    let all = async || {
        let mut found = Vec::new();
        for car in &cars {
            found.push(drivers_of(client, car).await);
        }
        found
    };
    let query = "mutation ($drivers: LinksInput!) { updateVehicles(filter: { name: { in: [\"A\", \"B\"] } },
        data: { drivers: $drivers }) { runId matched failed } }";
    let change = async |drivers: Value| {
        let done = client.data(query, json!({ "drivers": drivers })).await["updateVehicles"].clone();
        assert_eq!((&done["matched"], &done["failed"]), (&json!(2), &json!(0)));
        done["runId"].clone()
    };
    let added = change(json!({ "add": [ada] })).await;
    assert_eq!(all().await, ["Ada Bea", "Ada Bea", ""]);
    let removed = change(json!({ "remove": [bea] })).await;
    assert_eq!(all().await, ["Ada", "Ada", ""]);
    client.undo(&removed).await;
    assert_eq!(all().await, ["Ada Bea", "Ada Bea", ""]);
    client.undo(&added).await;
    assert_eq!(all().await, ["Bea", "Ada Bea", ""], "the pair that was there before stays");
    change(json!({ "set": [] })).await;
    assert_eq!(all().await, ["", "", ""]);
}

#[tokio::test]
async fn taking_back_a_pair_leaves_later_pairs_alone() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let (ada, bea) = (customer(&tenant, "Ada").await, customer(&tenant, "Bea").await);
    let client = &tenant.api_key;
    let (one, two) = (
        tenant.create("vehicle", json!({ "name": "One" })).await,
        tenant.create("vehicle", json!({ "name": "Two" })).await,
    );
    let query =
        "mutation ($id: ID!) { updateVehicles(filter: {}, all: true, data: { drivers: { add: [$id] } }) { runId } }";
    let run = client.data(query, json!({ "id": ada })).await["updateVehicles"]["runId"].clone();
    write(client, &one, json!({ "add": [bea] })).await.data();
    write(client, &two, json!({ "remove": [ada] })).await.data();
    client.undo(&run).await;
    assert_eq!((drivers_of(client, &one).await.as_str(), drivers_of(client, &two).await.as_str()), ("Bea", ""));
}

#[tokio::test]
async fn many_records_get_a_pair_in_a_run_that_can_be_taken_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    drivers(&tenant).await;
    let ada = customer(&tenant, "Ada").await;
    let client = &tenant.api_key;
    let mut csv = "name\n".to_owned();
    (0..1_100).for_each(|number| writeln!(csv, "V{number}").expect("memory"));
    let (_, imported) = client.import("vehicle", &csv).await;
    assert_eq!(imported["changed"], 1_100, "{imported}");
    let before = tenant.create("vehicle", json!({ "name": "Before", "drivers": [ada] })).await;
    let count = async || {
        let query = "query ($id: ID!) { customer(id: $id) { drives { totalCount } } }";
        client.data(query, json!({ "id": ada })).await["customer"]["drives"]["totalCount"].clone()
    };
    let query =
        "mutation ($id: ID!) { updateVehicles(filter: {}, all: true, data: { drivers: { add: [$id] } }) { runId } }";
    let run = client.data(query, json!({ "id": ada })).await["updateVehicles"]["runId"].clone();
    let ended = client.ended(&run).await;
    let figures = ["status", "matched", "changed", "failed"].map(|name| ended[name].clone());
    assert_eq!(figures, [json!("DONE"), json!(1_101), json!(1_100), json!(0)], "one has it already");
    assert_eq!(count().await, 1_101);
    let undone = client.undo(&run).await;
    assert_eq!((&undone["status"], &undone["changed"]), (&json!("DONE"), &json!(1_100)), "{undone}");
    assert_eq!(count().await, 1);
    assert_eq!(drivers_of(client, &before).await, "Ada");
}
