//! Roles, teams and members, from the view of those who manage them.

use serde_json::{Value, json};
use tests::{TestApp, until};

use super::{program, role};

const CREATE: &str = "mutation ($input: RoleInput!) { createRole(input: $input) { name } }";

#[tokio::test]
async fn every_organisation_is_born_with_five_roles() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let roles = tenant.data("{ roles { name everything seeded others { read destroy } } }", json!({})).await;
    let names: Vec<&str> =
        roles["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["admin", "agent", "manager", "owner", "viewer"]);
    assert_eq!(roles["roles"][4]["others"], json!({ "read": "ALL", "destroy": "NONE" }));
    assert_eq!(roles["roles"][3]["others"], json!({ "read": "ALL", "destroy": "ALL" }), "the owner's");
    let viewer = program(&app, &tenant, "viewer");
    let create = "mutation { createCustomer(data: { name: \"x\" }) { id } }";
    assert_eq!(viewer.code(create, json!({})).await, "FORBIDDEN");
    viewer.data("{ customers { totalCount } }", json!({})).await;
    let me = viewer
        .data("{ me { role permissions } object(name: \"customer\") { access { read create } } }", json!({}))
        .await;
    assert_eq!(me["me"], json!({ "role": "viewer", "permissions": [] }));
    assert_eq!(me["object"]["access"], json!({ "read": "ALL", "create": "NONE" }));
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let reader =
        json!({ "name": "chief", "permissions": ["MANAGE_ROLES", "MANAGE_MEMBERS"], "others": { "read": "ALL" } });
    role(&tenant, reader).await;
    let chief = program(&app, &tenant, "chief");
    for more in [
        json!({ "name": "x", "others": { "read": "ALL", "update": "OWN" } }),
        json!({ "name": "x", "permissions": ["MANAGE_API_KEYS"] }),
        json!({ "name": "x", "objects": [{ "object": "customer", "create": "ALL" }] }),
    ] {
        assert_eq!(chief.code(CREATE, json!({ "input": more })).await, "FORBIDDEN");
    }
    let less = json!({ "name": "less", "others": { "read": "OWN" } });
    chief.data(CREATE, json!({ "input": less })).await;
    let update = "mutation ($name: String!, $input: RoleInput!) { updateRole(name: $name, input: $input) { name } }";
    let own = json!({ "name": "chief", "input": { "others": { "read": "ALL", "update": "ALL" } } });
    assert_eq!(chief.code(update, own).await, "FORBIDDEN", "nor more to themselves");
    let manager = json!({ "name": "manager", "input": { "label": "M" } });
    assert_eq!(chief.code(update, manager).await, "FORBIDDEN", "nor change what is above them");
    assert_eq!(tenant.code(update, json!({ "name": "owner", "input": { "label": "O" } })).await, "CONFLICT");
}

#[tokio::test]
async fn bad_roles_name_the_place() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let refused = async |input: Value| {
        let answer = tenant.graphql(CREATE, json!({ "input": input })).await;
        assert_eq!(answer.code(), "VALIDATION_FAILED", "{}", answer.text);
        answer.body["errors"][0]["extensions"]["fields"][0]["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(json!({ "name": "No Name" })).await, "name");
    assert_eq!(refused(json!({})).await, "name");
    assert_eq!(refused(json!({ "name": "x", "objects": [{ "object": "ghost" }] })).await, "objects.0.object");
    let twice = json!({ "name": "x", "objects": [{ "object": "customer" }, { "object": "customer" }] });
    assert_eq!(refused(twice).await, "objects.1.object");
    let field = json!([{ "field": "ghost", "access": "READ" }]);
    let ghost = json!({ "name": "x", "objects": [{ "object": "customer", "fields": field }] });
    assert_eq!(refused(ghost).await, "objects.0.fields.0.field");
    assert_eq!(refused(json!({ "name": "x", "others": { "fields": field } })).await, "others.fields.0.field");
    role(&tenant, json!({ "name": "x" })).await;
    assert_eq!(tenant.code(CREATE, json!({ "input": { "name": "x" } })).await, "NAME_TAKEN");
    let delete = "mutation ($name: String!) { deleteRole(name: $name) }";
    assert_eq!(tenant.code(delete, json!({ "name": "agent" })).await, "CONFLICT");
    assert_eq!(tenant.code(delete, json!({ "name": "ghost" })).await, "NOT_FOUND");
    let _holder = program(&app, &tenant, "x");
    assert_eq!(tenant.code(delete, json!({ "name": "x" })).await, "CONFLICT", "a key has it");
}

#[tokio::test]
async fn a_changed_role_holds_within_a_second() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    role(&tenant, json!({ "name": "clerk", "others": { "read": "ALL" } })).await;
    let clerk = program(&app, &tenant, "clerk");
    let read = "{ customers { totalCount } }";
    clerk.data(read, json!({})).await;
    let beside = app.beside().await;
    clerk.at(&beside).data(read, json!({})).await;
    let update = "mutation { updateRole(name: \"clerk\", input: { others: { read: NONE } }) { name } }";
    tenant.data(update, json!({})).await;
    for there in [clerk.clone(), clerk.at(&beside)] {
        until(2, "the role to hold", async || there.graphql(read, json!({})).await.body["errors"].is_array()).await;
        assert_eq!(there.code(read, json!({})).await, "FORBIDDEN");
    }
}

#[tokio::test]
async fn teams_are_made_named_filled_and_taken_away() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let made =
        tenant.data("mutation { createTeam(name: \" North \") { id name members } }", json!({})).await["createTeam"]
            .clone();
    assert_eq!((&made["name"], &made["members"]), (&json!("North"), &json!([])));
    assert_eq!(tenant.code("mutation { createTeam(name: \"North\") { id } }", json!({})).await, "NAME_TAKEN");
    assert_eq!(tenant.code("mutation { createTeam(name: \" \") { id } }", json!({})).await, "VALIDATION_FAILED");
    let member =
        tenant.data("{ organisationMembers { id role active } }", json!({})).await["organisationMembers"][0].clone();
    assert_eq!((&member["role"], &member["active"]), (&json!("owner"), &json!(true)));
    let ids = json!({ "team": made["id"], "member": member["id"] });
    let add = "mutation ($team: ID!, $member: ID!) { addToTeam(team: $team, member: $member) { members } }";
    for _ in 0..2 {
        assert_eq!(tenant.data(add, ids.clone()).await["addToTeam"]["members"], json!([member["id"]]));
    }
    let teams = tenant.data("{ organisationMembers { teams } }", json!({})).await;
    assert_eq!(teams["organisationMembers"][0]["teams"], json!(["North"]));
    let remove = "mutation ($team: ID!, $member: ID!) { removeFromTeam(team: $team, member: $member) { members } }";
    assert_eq!(tenant.data(remove, ids).await["removeFromTeam"]["members"], json!([]));
    let delete = "mutation ($id: ID!) { deleteTeam(id: $id) }";
    tenant.data(delete, json!({ "id": made["id"] })).await;
    assert_eq!(tenant.code(delete, json!({ "id": made["id"] })).await, "NOT_FOUND");
}

#[tokio::test]
async fn the_owner_stays_until_the_organisation_is_handed_over() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.data("{ organisationMembers { id } }", json!({})).await["organisationMembers"][0]["id"].clone();
    let id = json!({ "id": owner });
    for change in [
        "mutation ($id: ID!) { deactivateMember(member: $id) { id } }",
        "mutation ($id: ID!) { changeMemberRole(member: $id, role: \"viewer\") { id } }",
    ] {
        assert_eq!(tenant.code(change, id.clone()).await, "CONFLICT");
    }
    let hand_over = "mutation ($id: ID!) { transferOwnership(member: $id) { id } }";
    assert_eq!(tenant.code(hand_over, id).await, "FORBIDDEN", "a program is no owner");
}

#[tokio::test]
async fn an_explanation_and_the_catalog_agree_on_every_field() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let hidden = json!([{ "field": "birthDate", "access": "HIDDEN" }, { "field": "city", "access": "READ" }]);
    let customers = json!({ "object": "customer", "read": "ALL", "update": "ALL", "fields": hidden });
    super::role(&tenant, json!({ "name": "clerk", "others": { "read": "ALL" }, "objects": [customers] })).await;
    let (clerk, member) = super::member(&app, &tenant, "ada@example.com", "clerk").await;
    let id = tenant.create("customer", json!({ "name": "Bob" })).await;
    let catalog = "{ object(name: \"customer\") { fields { name access } } }";
    let catalog = clerk.data(catalog, json!({})).await["object"]["fields"].clone();
    let reported = "query ($id: ID!, $member: ID!) { explainAccess(object: \"customer\", id: $id, member: $member) {
        fields { field access reason } } }";
    let reported = clerk.data(reported, json!({ "id": id, "member": member })).await["explainAccess"]["fields"].clone();
    let access = |list: &Value, key: &str, name: &str| {
        let one = list.as_array().expect("fields").iter().find(|one| one[key] == name);
        one.unwrap_or_else(|| panic!("{name}: {list}"))["access"].clone()
    };
    for (name, expected) in [("birthDate", "HIDDEN"), ("city", "READ"), ("firstName", "WRITE"), ("version", "READ")] {
        assert_eq!(access(&reported, "field", name), expected, "{name}");
    }
    for field in catalog.as_array().expect("fields") {
        let name = field["name"].as_str().expect("a name");
        assert_eq!(access(&reported, "field", name), field["access"], "{name}");
    }
}
