//! Links to any record: a field that names a record of whatever object, and shows it to who may see it.

use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp};

use crate::{access, world};

/// Vehicles have a subject: any customer, or another vehicle.
async fn subjects(tenant: &Tenant) {
    world::vehicles(tenant).await;
    let input = json!({ "object": "vehicle", "name": "subject", "type": "LINK", "linkTo": ["customer", "vehicle"] });
    tenant.field(input).await;
}

async fn create(client: &Client, name: &str, subject: Value) -> Answer {
    let query =
        "mutation ($data: VehicleCreateInput!) { createVehicle(data: $data) { id subject { object id name } } }";
    client.graphql(query, json!({ "data": { "name": name, "subject": subject } })).await
}

/// What a vehicle's subject is for somebody.
async fn subject(client: &Client, vehicle: &Value) -> Value {
    let query = "query ($id: ID!) { vehicle(id: $id) { subject { object id name } } }";
    client.data(query, json!({ "id": vehicle })).await["vehicle"]["subject"].clone()
}

/// Names of the vehicles whose subject matches a filter.
async fn found(client: &Client, filter: Value) -> Vec<String> {
    let query =
        "query ($filter: VehicleFilter) { vehicles(filter: $filter, orderBy: [{ name: ASC }]) { nodes { name } } }";
    let data = client.data(query, json!({ "filter": { "subject": filter } })).await;
    let nodes = data["vehicles"]["nodes"].as_array().expect("nodes").clone();
    nodes.iter().map(|node| node["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_field_names_records_of_several_objects() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    subjects(&tenant).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let made = create(&tenant.api_key, "A", json!({ "object": "customer", "id": ada })).await.data();
    let first = made["createVehicle"].clone();
    assert_eq!(first["subject"], json!({ "object": "customer", "id": ada, "name": "Ada" }));
    let to_vehicle = json!({ "object": "vehicle", "id": first["id"] });
    let second = create(&tenant.api_key, "B", to_vehicle).await.data()["createVehicle"]["id"].clone();
    assert_eq!(subject(&tenant.api_key, &second).await, json!({ "object": "vehicle", "id": first["id"], "name": "A" }));

    tenant.api_key.update("customer", &ada, json!({ "name": "Ada L" })).await.data();
    assert_eq!(subject(&tenant.api_key, &first["id"]).await["name"], "Ada L");
    let id = first["id"].as_str().expect("an id");
    tenant.api_key.update("vehicle", id, json!({ "subject": null })).await.data();
    assert_eq!(subject(&tenant.api_key, &first["id"]).await, Value::Null);
}

#[tokio::test]
async fn only_what_is_there_and_allowed_is_linked() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme"), app.tenant("other"));
    subjects(&tenant).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let note = tenant.create("interaction", json!({ "kind": "note", "subject": "N", "customer": ada })).await;
    let foreign = other.create("customer", json!({ "name": "Eve" })).await;
    for (object, id) in
        [("customer", foreign.as_str()), ("customer", "0190a000-0000-7000-8000-000000000000"), ("vehicle", &ada)]
    {
        let refused = create(&tenant.api_key, "A", json!({ "object": object, "id": id })).await;
        assert_eq!(refused.complaints(), [("subject".to_owned(), "NO_SUCH_RECORD".to_owned())], "{object} {id}");
    }
    for (object, id) in [("interaction", note.as_str()), ("nothing", &ada)] {
        let refused = create(&tenant.api_key, "A", json!({ "object": object, "id": id })).await;
        assert_eq!(refused.complaints()[0].0, "subject", "{object}");
    }
    tenant.field(json!({ "object": "vehicle", "name": "anything", "type": "LINK" })).await;
    let query =
        "mutation ($id: ID!) { createVehicle(data: { name: \"B\", anything: { object: \"interaction\", id: $id } }) {
        anything { object id } } }";
    let made = tenant.data(query, json!({ "id": note })).await["createVehicle"]["anything"].clone();
    assert_eq!(made, json!({ "object": "interaction", "id": note }));
    for input in [
        json!({ "object": "vehicle", "name": "wrong", "type": "LINK", "linkTo": ["nothing"] }),
        json!({ "object": "vehicle", "name": "wrong", "type": "TEXT", "linkTo": ["customer"] }),
    ] {
        assert_eq!(tenant.try_field(input).await.complaints()[0].0, "linkTo");
    }
}

#[tokio::test]
async fn an_archived_target_is_shown_and_a_destroyed_one_is_no_more() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    subjects(&tenant).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let link = json!({ "object": "customer", "id": ada });
    let vehicle = create(&tenant.api_key, "A", link).await.data()["createVehicle"]["id"].clone();
    tenant.api_key.act("delete", "customer", &ada).await.data();
    assert_eq!(subject(&tenant.api_key, &vehicle).await["name"], "Ada");

    let (_, seq) = tenant.api_key.changes(0).await;
    tenant.api_key.act("destroy", "customer", &ada).await.data();
    assert_eq!(subject(&tenant.api_key, &vehicle).await, Value::Null);
    assert_eq!(found(&tenant.api_key, json!({ "isNull": true })).await, ["A"]);
    let (entries, _) = tenant.api_key.changes(seq).await;
    let told = entries.iter().find(|entry| entry["record"] == vehicle).expect("the vehicle has changed");
    assert_eq!((&told["kind"], &told["fields"]), (&json!("UPDATED"), &json!(["subject"])));
    let query = "query ($id: ID!) { vehicle(id: $id) { history(first: 1) { nodes { kind changes { field to } } } } }";
    let history = tenant.data(query, json!({ "id": vehicle })).await["vehicle"]["history"]["nodes"][0].clone();
    assert_eq!(history, json!({ "kind": "UPDATED", "changes": [{ "field": "subject", "to": null }] }));
}

#[tokio::test]
async fn who_does_not_see_the_target_sees_no_link() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    subjects(&tenant).await;
    let own = access::on("customer", json!({ "read": "OWN" }));
    access::role(&tenant, json!({ "name": "clerk", "others": access::all(), "objects": [own] })).await;
    let clerk = access::program(&app, &tenant, "clerk");
    let ada = tenant.create("customer", json!({ "name": "Ada Quartermaine" })).await;
    let link = json!({ "object": "customer", "id": ada });
    let vehicle = create(&tenant.api_key, "A", link.clone()).await.data()["createVehicle"]["id"].clone();

    assert_eq!(subject(&clerk, &vehicle).await, Value::Null);
    let refused = create(&clerk, "B", link).await;
    assert_eq!(refused.complaints(), [("subject".to_owned(), "NO_SUCH_RECORD".to_owned())]);
    for filter in [
        json!({ "eq": ada }),
        json!({ "in": [ada] }),
        json!({ "object": { "eq": "customer" } }),
        json!({ "isNull": false }),
    ] {
        assert_eq!(found(&clerk, filter.clone()).await, [""; 0], "{filter}");
        assert_eq!(found(&tenant.api_key, filter.clone()).await, ["A"], "{filter}");
    }
    let query = "query ($id: ID!) { vehicle(id: $id) { name history { nodes { changes { from to } } } } }";
    let told = clerk.graphql(query, json!({ "id": vehicle })).await;
    assert!(told.data()["vehicle"]["name"] == "A" && !told.text.contains(&ada), "{}", told.text);

    let mine = clerk.data("mutation { createCustomer(data: { name: \"Mine\" }) { id } }", json!({})).await;
    let link = json!({ "object": "customer", "id": mine["createCustomer"]["id"] });
    assert_eq!(create(&clerk, "C", link).await.data()["createVehicle"]["subject"]["name"], "Mine");
}

#[tokio::test]
async fn records_are_found_by_what_they_are_linked_to() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    subjects(&tenant).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let bea = tenant.create("customer", json!({ "name": "Bea" })).await;
    let client = &tenant.api_key;
    let a = create(client, "A", json!({ "object": "customer", "id": ada })).await.data()["createVehicle"]["id"].clone();
    create(client, "B", json!({ "object": "customer", "id": bea })).await.data();
    create(client, "C", json!({ "object": "vehicle", "id": a })).await.data();
    create(client, "D", Value::Null).await.data();
    for (filter, expected) in [
        (json!({ "eq": ada }), &["A"][..]),
        (json!({ "in": [bea, a] }), &["B", "C"]),
        (json!({ "isNull": true }), &["D"]),
        (json!({ "isNull": false }), &["A", "B", "C"]),
        (json!({ "object": { "eq": "customer" } }), &["A", "B"]),
        (json!({ "object": { "in": ["vehicle", "customer"] } }), &["A", "B", "C"]),
        (json!({ "object": { "eq": "customer" }, "in": [bea, a] }), &["B"]),
    ] {
        assert_eq!(found(client, filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn links_come_in_from_files_and_are_taken_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    subjects(&tenant).await;
    let ada = tenant.create("customer", json!({ "name": "Ada" })).await;
    let client = &tenant.api_key;
    let csv =
        format!("externalId,name,subject\n1,A,customer:{ada}\n2,B,\n3,C,customer:nobody\n4,D,interaction:{ada}\n");
    let (run, ended) = client.import("vehicle", &csv).await;
    assert_eq!((&ended["changed"], &ended["failed"]), (&json!(2), &json!(2)), "{ended}");
    assert_eq!(found(client, json!({ "eq": ada })).await, ["A"]);

    let query = "mutation ($id: ID!) { updateVehicles(filter: { subject: { isNull: true } },
        data: { subject: { object: \"customer\", id: $id } }) { runId changed } }";
    let done = client.data(query, json!({ "id": ada })).await["updateVehicles"].clone();
    assert_eq!((done["changed"].clone(), found(client, json!({ "eq": ada })).await.len()), (json!(1), 2));
    client.undo(&done["runId"]).await;
    assert_eq!(found(client, json!({ "isNull": true })).await, ["B"]);
    client.undo(&run).await;
    let filter = json!({ "isNull": true });
    assert_eq!(found(client, filter).await, ["B"], "which others changed since; the others are archived");
    assert_eq!(found(client, json!({ "isNull": false })).await, [""; 0]);
}
