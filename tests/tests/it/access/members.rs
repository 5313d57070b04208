//! Members with different roles, through the endpoints.

use serde_json::{Value, json};
use tests::{Client, TestApp, until};

use super::{member, role};

async fn customers(client: &Client) -> Vec<String> {
    let found = client.data("{ customers(orderBy: [{ name: ASC }]) { nodes { name } } }", json!({})).await;
    let nodes = found["customers"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_team_sees_its_own_and_whoever_leaves_it_no_more() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let sales = json!({ "name": "sales", "objects": [{ "object": "customer", "create": "ALL", "read": "TEAM", "update": "OWN" }],
        "others": { "read": "ALL" } });
    role(&tenant, sales).await;
    let (ada, ada_id) = member(&app, &tenant, "ada@example.com", "sales").await;
    let (bob, bob_id) = member(&app, &tenant, "bob@example.com", "sales").await;
    let create = "mutation ($name: String!) { createCustomer(data: { name: $name }) { id owner { id } } }";
    let hers = ada.data(create, json!({ "name": "Hers" })).await["createCustomer"].clone();
    assert_eq!(hers["owner"]["id"], json!(ada_id), "what one makes is one's own");
    bob.data(create, json!({ "name": "His" })).await;
    assert_eq!((customers(&ada).await, customers(&bob).await), (vec!["Hers".to_owned()], vec!["His".to_owned()]));

    let team =
        tenant.data("mutation { createTeam(name: \"North\") { id } }", json!({})).await["createTeam"]["id"].clone();
    let add = "mutation ($team: ID!, $member: ID!) { addToTeam(team: $team, member: $member) { id } }";
    for id in [&ada_id, &bob_id] {
        tenant.data(add, json!({ "team": team, "member": id })).await;
    }
    until(3, "the team to be seen", async || customers(&bob).await.len() == 2).await;
    let update = "mutation ($id: ID!) { updateCustomer(id: $id, data: { city: \"Alger\" }) { city } }";
    assert_eq!(bob.code(update, json!({ "id": hers["id"] })).await, "FORBIDDEN", "seen, but not his");
    assert_eq!(ada.data(update, json!({ "id": hers["id"] })).await["updateCustomer"]["city"], "Alger");
    let why = "query ($id: ID!, $member: ID!) { explainAccess(object: \"customer\", id: $id, member: $member) {
        role operations { operation allowed scope reason } } }";
    let why = bob.data(why, json!({ "id": hers["id"], "member": bob_id })).await["explainAccess"].clone();
    let reported = |name: &str| {
        let all = why["operations"].as_array().unwrap();
        all.iter()
            .find(|one| one["operation"] == name)
            .map(|one| (one["allowed"].clone(), one["scope"].clone()))
            .unwrap()
    };
    assert_eq!(
        (&why["role"], reported("READ"), reported("UPDATE")),
        (&json!("sales"), (json!(true), json!("TEAM")), (json!(false), json!("OWN")))
    );

    let remove = "mutation ($team: ID!, $member: ID!) { removeFromTeam(team: $team, member: $member) { id } }";
    tenant.data(remove, json!({ "team": team, "member": bob_id })).await;
    until(3, "the team to be left", async || customers(&bob).await == ["His"]).await;
}

#[tokio::test]
async fn members_change_roles_are_shut_out_and_let_in_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let (ada, id) = member(&app, &tenant, "ada@example.com", "viewer").await;
    let beside = app.beside().await;
    let there = ada.at(&beside);
    let create = "mutation { createCustomer(data: { name: \"x\" }) { id } }";
    assert_eq!(ada.code(create, json!({})).await, "FORBIDDEN");
    let change = "mutation ($id: ID!, $role: String!) { changeMemberRole(member: $id, role: $role) { role } }";
    assert_eq!(tenant.code(change, json!({ "id": id, "role": "owner" })).await, "CONFLICT");
    assert_eq!(tenant.code(change, json!({ "id": id, "role": "ghost" })).await, "NOT_FOUND");
    tenant.data(change, json!({ "id": id, "role": "agent" })).await;
    until(3, "the role to hold", async || there.graphql(create, json!({})).await.body["errors"].is_null()).await;
    assert_eq!(ada.code(change, json!({ "id": id, "role": "admin" })).await, "FORBIDDEN");

    let shut_out = "mutation ($id: ID!) { deactivateMember(member: $id) { active } }";
    tenant.data(shut_out, json!({ "id": id })).await;
    for client in [&ada, &there] {
        until(3, "the member to be out", async || client.graphql(create, json!({})).await.status == 401).await;
    }
    let feed = "{ changes(objects: [\"member\"]) { nodes { record kind } } }";
    let reported = tenant.data(feed, json!({})).await["changes"]["nodes"].clone();
    let last = reported.as_array().unwrap().last().unwrap();
    assert_eq!(last, &json!({ "record": id, "kind": "ARCHIVED" }), "it is told as a change");
    tenant.data("mutation ($id: ID!) { reactivateMember(member: $id) { active } }", json!({ "id": id })).await;
    until(3, "the member to be in again", async || ada.graphql(create, json!({})).await.status == 200).await;
    ada.data(create, json!({})).await;
}

#[tokio::test]
async fn the_organisation_is_handed_over_by_its_owner_alone() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.owner().await;
    let (ada, id) = member(&app, &tenant, "ada@example.com", "admin").await;
    let hand_over = "mutation ($id: ID!) { transferOwnership(member: $id) { role } }";
    assert_eq!(ada.code(hand_over, json!({ "id": id })).await, "FORBIDDEN");
    assert_eq!(owner.data(hand_over, json!({ "id": id })).await["transferOwnership"]["role"], "owner");
    let roles = tenant.data("{ organisationMembers { role } }", json!({})).await;
    let mut roles: Vec<&Value> =
        roles["organisationMembers"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    roles.sort_by_key(|role| role.to_string());
    assert_eq!(roles, [&json!("admin"), &json!("owner")], "there is one owner");
    assert_eq!(owner.code(hand_over, json!({ "id": id })).await, "FORBIDDEN", "who is that no more");
}

#[tokio::test]
async fn a_team_is_filled_by_those_who_gain_nothing_by_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let reach = json!({ "read": "TEAM" });
    let lead = json!({ "name": "lead", "permissions": ["MANAGE_MEMBERS"], "others": { "read": "ALL" },
        "objects": [{ "object": "customer", "create": "ALL", "read": "TEAM" }] });
    role(&tenant, lead).await;
    role(&tenant, json!({ "name": "sales", "others": reach })).await;
    role(&tenant, json!({ "name": "staff", "permissions": ["MANAGE_MEMBERS"], "others": { "read": "ALL" } })).await;
    let (lead, lead_id) = member(&app, &tenant, "lead@example.com", "lead").await;
    let (staff, _) = member(&app, &tenant, "staff@example.com", "staff").await;
    let (_, ada) = member(&app, &tenant, "ada@example.com", "sales").await;
    let team = lead.data("mutation { createTeam(name: \"North\") { id } }", json!({})).await["createTeam"].clone();
    let add = "mutation ($team: ID!, $member: ID!) { addToTeam(team: $team, member: $member) { id } }";
    tenant.data(add, json!({ "team": team["id"], "member": lead_id })).await;
    let hers = json!({ "team": team["id"], "member": ada });
    let refused = lead.graphql(add, hers.clone()).await;
    assert!(refused.code() == "FORBIDDEN" && refused.text.contains("teams"), "{}", refused.text);
    // what somebody brings in for it, or a key, does no better
    let hr = json!({ "name": "hr", "permissions": ["MANAGE_MEMBERS"], "others": { "read": "OWN" } });
    role(&tenant, hr).await;
    let (hr, _) = member(&app, &tenant, "hr@example.com", "hr").await;
    role(&tenant, json!({ "name": "clerk", "others": { "read": "OWN" } })).await;
    let (_, clerk) = member(&app, &tenant, "clerk@example.com", "clerk").await;
    let refused = hr.graphql(add, json!({ "team": team["id"], "member": clerk })).await;
    assert!(refused.code() == "FORBIDDEN" && refused.text.contains("`lead`"), "{}", refused.text);
    staff.data(add, hers.clone()).await;
    let remove = "mutation ($team: ID!, $member: ID!) { removeFromTeam(team: $team, member: $member) { id } }";
    assert_eq!(lead.code(remove, hers).await, "FORBIDDEN");
    let delete = "mutation ($id: ID!) { deleteTeam(id: $id) }";
    assert_eq!(lead.code(delete, json!({ "id": team["id"] })).await, "FORBIDDEN");
    staff.data(delete, json!({ "id": team["id"] })).await;
    let log =
        tenant.graphql("{ securityLog(kinds: [MEMBER_CHANGED, MEMBER_JOINED]) { nodes { detail } } }", json!({})).await;
    for reported in ["created", "North", "joined", "deleted", "\"role\":\"sales\""] {
        assert!(log.text.contains(reported), "{reported} {}", log.text);
    }
}

#[tokio::test]
async fn who_deleted_their_account_does_not_come_back_as_the_same_member() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.owner().await;
    let (bob, id) = member(&app, &tenant, "bob@example.com", "agent").await;
    let gone = "mutation { deleteAccount(password: \"a long enough passphrase\") }";
    bob.account(gone, json!({})).await.data();
    let reported = owner.graphql("{ organisationMembers { name email active } }", json!({})).await;
    assert!(
        !reported.text.contains("bob@example.com\",\"active") && reported.text.contains("deleted.invalid"),
        "{}",
        reported.text
    );
    let again = "mutation ($id: ID!) { reactivateMember(member: $id) { active } }";
    assert_eq!(owner.code(again, json!({ "id": id })).await, "CONFLICT");
    let hand_over = "mutation ($id: ID!) { transferOwnership(member: $id) { role } }";
    assert_eq!(owner.code(hand_over, json!({ "id": id })).await, "CONFLICT", "nobody owns nothing");
    let (_, anew) = member(&app, &tenant, "bob@example.com", "agent").await;
    assert_ne!(anew, id);
}
