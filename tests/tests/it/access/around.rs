//! Attempts to get around a role, all of them blocked: through derived fields, the other end of a link, background
//! work, and stored answers.

use reqwest::Method;
use serde_json::json;
use tests::{Answer, TestApp, until};

use super::{all, hiding, on, program, role};
use crate::world;

#[tokio::test]
async fn who_manages_roles_does_not_show_themselves_what_is_hidden() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    role(&tenant, hiding("clerk", "customer", "email", &["MANAGE_ROLES"])).await;
    let clerk = program(&app, &tenant, "clerk");
    let update = "mutation ($input: RoleInput!) { updateRole(name: \"clerk\", input: $input) { name } }";
    let hidden = json!({ "field": "email", "access": "HIDDEN" });
    let shown =
        json!({ "objects": [on("customer", json!({ "fields": [hidden, { "field": "name", "access": "READ" }] }))] });
    assert_eq!(clerk.code(update, json!({ "input": shown })).await, "FORBIDDEN");
    let points = json!({ "fields": [{ "field": "value", "access": "READ" }] });
    let shown = json!({ "objects": [on("customer", json!({ "fields": [hidden] })), on("contactPoint", points)] });
    assert_eq!(clerk.code(update, json!({ "input": shown })).await, "FORBIDDEN");
}

#[tokio::test]
async fn a_contact_point_is_no_way_around_its_customer() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let id = tenant.create("customer", json!({ "name": "Ada", "email": "ada@example.com" })).await;
    let read = json!({ "fields": [{ "field": "email", "access": "READ" }] });
    role(&tenant, json!({ "name": "reader", "others": all(), "objects": [on("customer", read)] })).await;
    let reader = program(&app, &tenant, "reader");
    let point = "{ contactPoints { nodes { id value } } }";
    let point = reader.data(point, json!({})).await["contactPoints"]["nodes"][0]["id"].clone();
    let change = "mutation ($id: ID!) { updateContactPoint(id: $id, data: { value: \"evil@example.com\" }) { id } }";
    assert_eq!(reader.code(change, json!({ "id": point })).await, "VALIDATION_FAILED");
    let add = "mutation ($id: ID!) { createContactPoint(data: { customer: $id, kind: \"email\", value: \"e@x.example\", primary: true }) { id } }";
    assert_eq!(reader.code(add, json!({ "id": id })).await, "VALIDATION_FAILED");

    let own = json!({ "name": "owner_of", "others": all(), "objects": [on("customer", json!({ "read": "OWN" }))] });
    role(&tenant, own).await;
    let own = program(&app, &tenant, "owner_of");
    assert_eq!(own.data("{ contactPoints { totalCount } }", json!({})).await["contactPoints"]["totalCount"], 0);
    assert_eq!(
        own.code(change, json!({ "id": point })).await,
        "NOT_FOUND",
        "what belongs to a record out of sight is too"
    );
}

#[tokio::test]
async fn a_hidden_link_is_hidden_from_both_ends() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let id = tenant.create("customer", json!({ "name": "Ada" })).await;
    tenant.create("interaction", json!({ "customer": id, "kind": "note", "subject": "hush" })).await;
    role(&tenant, hiding("clerk", "interaction", "customer", &[])).await;
    let clerk = program(&app, &tenant, "clerk");
    for query in [
        "{ customers { nodes { interactions { nodes { subject } } } } }",
        "{ customers { nodes { interactionsCount } } }",
        "{ customers(filter: { interactions: { some: { subject: { eq: \"hush\" } } } }) { totalCount } }",
    ] {
        let answer = clerk.graphql(query, json!({})).await;
        assert!(answer.code() == "FORBIDDEN" && !answer.text.contains("hush"), "{query} {}", answer.text);
    }
}

#[tokio::test]
async fn the_catalog_is_no_way_around_a_role() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    role(&tenant, hiding("clerk", "vehicle", "price", &["CONFIGURE_CATALOG"])).await;
    let clerk = program(&app, &tenant, "clerk");
    let create = "mutation ($input: CreateFieldInput!) { createField(input: $input) { id } }";
    let dear = json!({ "price": { "gt": "1000" } });
    let rollup = json!({ "relation": "vehicles", "function": "COUNT", "filter": dear });
    let counted = json!({ "object": "customer", "name": "dear", "type": "ROLLUP", "rollup": rollup });
    assert_eq!(clerk.code(create, json!({ "input": counted })).await, "FORBIDDEN");
    let asked = json!({ "object": "vehicle", "name": "why", "type": "TEXT", "validation": { "requiredWhen": dear } });
    assert_eq!(clerk.code(create, json!({ "input": asked })).await, "FORBIDDEN");

    let own = json!({ "name": "own", "permissions": ["CONFIGURE_CATALOG"], "others": all(),
        "objects": [on("vehicle", json!({ "read": "OWN" }))] });
    role(&tenant, own).await;
    let own = program(&app, &tenant, "own");
    let ids = tenant.data("{ object(name: \"vehicle\") { id fields { id name } } }", json!({})).await["object"].clone();
    let colour = ids["fields"].as_array().unwrap().iter().find(|field| field["name"] == "colour").unwrap();
    let delete = "mutation ($id: ID!) { deleteField(id: $id, preview: true) { __typename } }";
    assert_eq!(own.code(delete, json!({ "id": colour["id"] })).await, "FORBIDDEN", "a field is all records'");
    let delete = "mutation ($id: ID!) { deleteObject(id: $id) { __typename } }";
    assert_eq!(own.code(delete, json!({ "id": ids["id"] })).await, "FORBIDDEN");
}

#[tokio::test]
async fn what_was_answered_before_is_not_shown_to_another_role() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    role(&tenant, json!({ "name": "clerk", "others": all() })).await;
    let clerk = program(&app, &tenant, "clerk");
    let query = "mutation { createCustomer(data: { name: \"Ada\", city: \"Alger\" }) { city } }";
    let ask = async || {
        let request = clerk.request(Method::POST, "/graphql").header("Idempotency-Key", "k1");
        Answer::of(request.json(&json!({ "query": query }))).await
    };
    assert_eq!(ask().await.data()["createCustomer"]["city"], "Alger");
    assert_eq!(ask().await.data()["createCustomer"]["city"], "Alger", "the same answer again");
    let update = "mutation ($input: RoleInput!) { updateRole(name: \"clerk\", input: $input) { name } }";
    let hidden = hiding("clerk", "customer", "city", &[]);
    tenant.data(update, json!({ "input": { "objects": hidden["objects"] } })).await;
    until(3, "the role to hold", async || !ask().await.text.contains("Alger")).await;
    assert_eq!(ask().await.code(), "CONFLICT");
    assert_eq!(tenant.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"], 1, "done once");
}

#[tokio::test]
async fn the_refused_rows_of_others_do_not_show_hidden_fields() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    role(&tenant, hiding("clerk", "customer", "birthDate", &[])).await;
    let clerk = program(&app, &tenant, "clerk");
    let upload =
        tenant.api_key.request(Method::POST, "/api/imports").body("name,birthDate\nAda,1815-12-10\nBob,never\n");
    let run = Answer::of(upload).await.body["runId"].as_str().unwrap().to_owned();
    let show = async |path: &str| Answer::of(clerk.request(Method::GET, &format!("/api/imports/{run}{path}"))).await;
    until(30, "the import to end", async || show("").await.body["status"] == "DONE").await;
    let refused = show("/errors").await;
    assert!(refused.status == 403 && !refused.text.contains("never"), "{}", refused.text);
}

#[tokio::test]
async fn members_teams_and_links_keep_within_reach() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    role(&tenant, hiding("clerk", "member", "email", &["MANAGE_MEMBERS"])).await;
    let clerk = program(&app, &tenant, "clerk");
    assert_eq!(clerk.code("{ organisationMembers { id } }", json!({})).await, "FORBIDDEN");
    let lead = json!({ "name": "lead", "permissions": ["MANAGE_MEMBERS"], "others": { "read": "ALL" } });
    role(&tenant, lead).await;
    let lead = program(&app, &tenant, "lead");
    let owner = lead.data("{ organisationMembers { id } }", json!({})).await["organisationMembers"][0]["id"].clone();
    let team =
        lead.data("mutation { createTeam(name: \"North\") { id } }", json!({})).await["createTeam"]["id"].clone();
    let add = "mutation ($team: ID!, $member: ID!) { addToTeam(team: $team, member: $member) { id } }";
    assert_eq!(lead.code(add, json!({ "team": team, "member": owner })).await, "FORBIDDEN");

    world::vehicles(&tenant).await;
    let customer = tenant.create("customer", json!({ "name": "Ada" })).await;
    tenant.create("vehicle", json!({ "name": "V", "customer": customer })).await;
    let own = json!({ "name": "own", "others": all(), "objects": [on("customer", json!({ "read": "OWN" }))] });
    role(&tenant, own).await;
    let own = program(&app, &tenant, "own");
    let count = "query ($id: ID!) { vehicles(filter: { customer: { id: { eq: $id } } }) { totalCount } }";
    assert_eq!(own.data(count, json!({ "id": customer })).await["vehicles"]["totalCount"], 0);
    let grouped = "{ vehiclesAggregate(groupBy: [{ customer: VALUE }]) { groups { key { customer } } } }";
    assert_eq!(own.code(grouped, json!({})).await, "FORBIDDEN");
}

#[tokio::test]
async fn what_belongs_to_a_record_is_not_moved_to_one_out_of_reach() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let theirs = tenant.create("customer", json!({ "name": "Theirs" })).await;
    let notes = on("interaction", json!({ "create": "OWN", "update": "OWN" }));
    role(&tenant, json!({ "name": "clerk", "others": all(), "objects": [notes] })).await;
    let clerk = program(&app, &tenant, "clerk");
    let made = clerk.data("mutation { createCustomer(data: { name: \"Mine\" }) { id } }", json!({})).await;
    let note = "mutation ($id: ID!) { createInteraction(data: { customer: $id, kind: \"note\" }) { id } }";
    let note = clerk.data(note, json!({ "id": made["createCustomer"]["id"] })).await["createInteraction"]["id"].clone();
    let moved = "mutation ($id: ID!, $to: ID!) { updateInteraction(id: $id, data: { customer: $to }) { id } }";
    assert_eq!(clerk.code(moved, json!({ "id": note, "to": theirs })).await, "VALIDATION_FAILED");
}

#[tokio::test]
async fn the_feed_goes_on_over_encrypted_fields() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let secret = json!({ "object": "customer", "name": "ssn", "type": "TEXT", "encryption": "SEALED" });
    world::field(&tenant, secret).await;
    let id = tenant.create("customer", json!({ "name": "Ada", "ssn": "123" })).await;
    let update = "mutation ($id: ID!) { updateCustomer(id: $id, data: { ssn: \"456\" }) { id } }";
    tenant.data(update, json!({ "id": id })).await;
    let feed = "{ changes(objects: [\"customer\"]) { nodes { kind fields } } }";
    let reported = tenant.data(feed, json!({})).await["changes"]["nodes"].clone();
    assert_eq!(reported[1], json!({ "kind": "UPDATED", "fields": ["ssn"] }));
}

#[tokio::test]
async fn nothing_is_written_where_the_answer_may_not_be_shown() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let customer = tenant.create("customer", json!({ "name": "Ada", "birthDate": "1815-12-10" })).await;
    let vehicle = tenant.create("vehicle", json!({ "name": "V", "customer": customer })).await;
    role(&tenant, hiding("clerk", "customer", "birthDate", &[])).await;
    let clerk = program(&app, &tenant, "clerk");
    let update = "mutation ($id: ID!) { updateVehicle(id: $id, data: { name: \"W\" }) { customer { birthDate } } }";
    assert_eq!(clerk.code(update, json!({ "id": vehicle })).await, "FORBIDDEN");
    let name = "query ($id: ID!) { vehicle(id: $id) { name } }";
    assert_eq!(tenant.data(name, json!({ "id": vehicle })).await["vehicle"]["name"], "V");
    let twice = json!([{ "field": "birthDate", "access": "HIDDEN" }, { "field": "birthDate", "access": "WRITE" }]);
    let create = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";
    let input = json!({ "name": "x", "objects": [{ "object": "customer", "fields": twice }] });
    assert_eq!(tenant.code(create, json!({ "input": input })).await, "VALIDATION_FAILED");
    let named = json!({ "name": "x", "others": { "object": "customer", "read": "ALL" } });
    assert_eq!(tenant.code(create, json!({ "input": named })).await, "VALIDATION_FAILED");
}

#[tokio::test]
async fn history_does_not_name_records_out_of_reach() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let own = json!({ "name": "own", "others": all(), "objects": [on("customer", json!({ "read": "OWN" }))] });
    role(&tenant, own).await;
    let own = program(&app, &tenant, "own");
    let theirs = tenant.create("customer", json!({ "name": "Theirs" })).await;
    let mine = own.data("mutation { createCustomer(data: { name: \"Mine\" }) { id } }", json!({})).await;
    let mine = mine["createCustomer"]["id"].clone();
    let vehicle = tenant.create("vehicle", json!({ "name": "V" })).await;
    let give = "mutation ($id: ID!, $to: ID, $name: String) {
        updateVehicle(id: $id, data: { customer: $to, name: $name }) { id } }";
    for (to, name) in [(json!(theirs), "W"), (mine.clone(), "X"), (json!(null), "Y"), (json!(theirs), "Y")] {
        tenant.data(give, json!({ "id": vehicle, "to": to, "name": name })).await;
    }
    let history = "query ($id: ID!) { vehicle(id: $id) { history { nodes { changes { field from to } } } } }";
    let reported = own.graphql(history, json!({ "id": vehicle })).await;
    assert!(!reported.text.contains(&theirs), "{}", reported.text);
    let nodes = &reported.body["data"]["vehicle"]["history"]["nodes"];
    let link = |entry: &serde_json::Value| {
        let changes = entry["changes"].as_array().expect("changes").clone();
        changes.into_iter().find(|change| change["field"] == "customer")
    };
    assert_eq!(link(&nodes[0]), None, "from nobody to somebody unseen");
    assert_eq!(link(&nodes[1]), Some(json!({ "field": "customer", "from": mine, "to": null })));
    assert_eq!(link(&nodes[2]), Some(json!({ "field": "customer", "from": null, "to": mine })));
    assert!(tenant.graphql(history, json!({ "id": vehicle })).await.text.contains(&theirs));
}
