//! Inviting people by email: who may, with which role, and how they join.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Email, Tenant, TestApp, until};

use crate::access;

const PASSWORD: &str = "a long enough passphrase";
const INVITE: &str = "mutation ($email: String!, $role: String!) {
    inviteMember(email: $email, role: $role) { id email role invitedBy { name } } }";
const ACCEPT: &str = "mutation ($token: String!, $person: PersonInput) {
    acceptInvitation(token: $token, person: $person) { role memberId organisation { slug } } }";

async fn invite(client: &Client, email: &str, role: &str) -> Answer {
    client.graphql(INVITE, json!({ "email": email, "role": role })).await
}

async fn message(app: &TestApp, email: &str) -> Email {
    app.mailbox().take(email, "Invitation to acme").await
}

async fn accept(client: &Client, token: &str, person: Option<Value>) -> Answer {
    client.account(ACCEPT, json!({ "token": token, "person": person })).await
}

fn bob() -> Option<Value> {
    Some(json!({ "firstName": "Bob", "lastName": "Ross", "password": PASSWORD }))
}

async fn signed_in(app: &TestApp, email: &str) -> Client {
    let query =
        "mutation ($email: String!, $password: String!) { signIn(email: $email, password: $password) { accessToken } }";
    let signed = app.anonymous().account(query, json!({ "email": email, "password": PASSWORD })).await.data();
    app.with_token(signed["signIn"]["accessToken"].as_str().expect("a token"))
}

async fn waiting(tenant: &Tenant) -> Value {
    tenant.data("{ invitations { email role } }", json!({})).await["invitations"].clone()
}

#[tokio::test]
async fn somebody_new_comes_in_by_the_link() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.owner().await;
    let invited = invite(&owner, "Bob@example.com", "agent").await.data()["inviteMember"].clone();
    assert_eq!((&invited["email"], &invited["role"]), (&json!("Bob@example.com"), &json!("agent")));
    assert_eq!(waiting(&tenant).await, json!([{ "email": "Bob@example.com", "role": "agent" }]));
    let message = message(&app, "Bob@example.com").await;
    assert!(message.text.contains("owner@acme.example invites you"), "{}", message.text);
    let token = message.token();

    let anonymous = app.anonymous();
    for wrong in ["", "x.y", &token.replace('_', ""), &token[..token.len() - 1], &format!("{token}x")] {
        assert_eq!(accept(&anonymous, wrong, bob()).await.code(), "LINK_EXPIRED", "{wrong}");
    }
    assert_eq!(accept(&anonymous, &token, None).await.code(), "UNAUTHENTICATED", "who is it?");
    let weak = Some(json!({ "firstName": "Bob", "lastName": "Ross", "password": "bobrossacme" }));
    assert_eq!(accept(&anonymous, &token, weak).await.code(), "VALIDATION_FAILED");
    assert_eq!(accept(&owner, &token, None).await.code(), "FORBIDDEN", "another address");
    let joined = accept(&anonymous, &token, bob()).await.data()["acceptInvitation"].clone();
    assert_eq!((&joined["role"], &joined["organisation"]["slug"]), (&json!("agent"), &json!("acme")));
    assert_eq!(accept(&anonymous, &token, bob()).await.code(), "LINK_EXPIRED", "it served");
    assert_eq!(waiting(&tenant).await, json!([]));

    let bob = signed_in(&app, "bob@example.com").await;
    let me = bob.data("{ me { role actor { name } } }", json!({})).await["me"].clone();
    assert_eq!(me, json!({ "role": "agent", "actor": { "name": "Bob Ross" } }));
    let feed = owner.data("{ changes(objects: [\"member\"]) { nodes { kind record } } }", json!({})).await;
    assert_eq!(feed["changes"]["nodes"], json!([{ "kind": "CREATED", "record": joined["memberId"] }]));
    app.mailbox().take("owner@acme.example", "Bob Ross joined acme").await;
    assert_eq!(invite(&owner, "BOB@example.com", "agent").await.code(), "VALIDATION_FAILED", "a member already");
}

#[tokio::test]
async fn somebody_known_comes_in_signed_in() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    app.sign_up("bob@example.com", PASSWORD, "bobs").await;
    let bob = signed_in(&app, "bob@example.com").await;
    invite(&tenant.api_key, "bob@example.com", "viewer").await.data();
    let token = message(&app, "bob@example.com").await.token();
    assert_eq!(accept(&app.anonymous(), &token, self::bob()).await.code(), "CONFLICT", "the address has an account");
    assert_eq!(accept(&bob, &token, None).await.data()["acceptInvitation"]["role"], "viewer");
    let me = bob.account("{ me { memberships { role organisation { slug } } } }", json!({})).await.data();
    let places = json!([{ "role": "viewer", "organisation": { "slug": "acme" } },
        { "role": "owner", "organisation": { "slug": "bobs" } }]);
    assert_eq!(me["me"]["memberships"], places);
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let reading = json!({ "read": "ALL" });
    let recruiter = json!({ "name": "recruiter", "permissions": ["MANAGE_MEMBERS"], "others": reading });
    access::role(&tenant, recruiter).await;
    access::role(&tenant, json!({ "name": "reader", "others": reading })).await;
    let recruiter = access::program(&app, &tenant, "recruiter");
    let reader = access::program(&app, &tenant, "reader");
    for role in ["admin", "manager"] {
        assert_eq!(invite(&recruiter, "bob@example.com", role).await.code(), "FORBIDDEN", "{role}");
    }
    assert_eq!(invite(&recruiter, "bob@example.com", "owner").await.code(), "CONFLICT");
    assert_eq!(invite(&recruiter, "bob@example.com", "king").await.code(), "NOT_FOUND");
    for email in ["", "bob", "bob@example.com\nBcc: all@example.com", &format!("{}@example.com", "b".repeat(300))] {
        assert_eq!(invite(&recruiter, email, "reader").await.code(), "VALIDATION_FAILED", "{email}");
    }
    invite(&recruiter, "bob@example.com", "reader").await.data();
    assert_eq!(invite(&reader, "eve@example.com", "reader").await.code(), "FORBIDDEN");
    let id = tenant.data("{ invitations { id } }", json!({})).await["invitations"][0]["id"].clone();
    for query in [
        "{ invitations { id } }",
        "mutation ($id: ID!) { resendInvitation(id: $id) { id } }",
        "mutation ($id: ID!) { revokeInvitation(id: $id) }",
    ] {
        assert_eq!(reader.code(query, json!({ "id": id })).await, "FORBIDDEN", "{query}");
    }
    invite(&tenant.api_key, "boss@example.com", "admin").await.data();
    let listed = tenant.data("{ invitations { id email } }", json!({})).await["invitations"][0].clone();
    assert_eq!(listed["email"], "boss@example.com");
    let resend = "mutation ($id: ID!) { resendInvitation(id: $id) { id } }";
    assert_eq!(recruiter.code(resend, json!({ "id": listed["id"] })).await, "FORBIDDEN", "more than their own");
}

#[tokio::test]
async fn invitations_are_taken_back_and_not_sent_in_a_flood() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let first = invite(&tenant.api_key, "bob@example.com", "agent").await.data()["inviteMember"]["id"].clone();
    let token = message(&app, "bob@example.com").await.token();
    assert_eq!(invite(&tenant.api_key, "bob@example.com", "agent").await.code(), "RATE_LIMITED");
    let resend = "mutation ($id: ID!) { resendInvitation(id: $id) { id } }";
    assert_eq!(tenant.code(resend, json!({ "id": first })).await, "RATE_LIMITED");
    let revoke = "mutation ($id: ID!) { revokeInvitation(id: $id) }";
    assert_eq!(tenant.data(revoke, json!({ "id": first })).await["revokeInvitation"], first);
    assert_eq!(accept(&app.anonymous(), &token, bob()).await.code(), "LINK_EXPIRED");
    for (query, id) in [(revoke, &first), (resend, &first), (revoke, &json!("nonsense")), (resend, &json!("nonsense"))]
    {
        assert_eq!(tenant.code(query, json!({ "id": id })).await, "NOT_FOUND");
    }
}

#[tokio::test]
async fn nobody_is_flooded_by_inviting_and_revoking() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme"), app.tenant("other"));
    let revoke = "mutation ($id: ID!) { revokeInvitation(id: $id) }";
    for _ in 0..5 {
        let id = invite(&tenant.api_key, "bob@example.com", "agent").await.data()["inviteMember"]["id"].clone();
        tenant.data(revoke, json!({ "id": id })).await;
    }
    for client in [&tenant.api_key, &other.api_key] {
        let refused = invite(client, "Bob@Example.com", "agent").await;
        assert_eq!(refused.code(), "RATE_LIMITED", "{}", refused.text);
        let wait = refused.body["errors"][0]["extensions"]["retryAfterMs"].as_i64();
        assert!((3_500_000..=3_600_000).contains(&wait.expect("how long")), "{}", refused.text);
    }
    let again = json!({ "query": INVITE, "variables": { "email": "bob@example.com", "role": "agent" } });
    let again = tenant.api_key.request(Method::POST, "/graphql").json(&again).send().await.expect("an answer");
    let wait = again.headers()["retry-after"].to_str().expect("a text").parse::<u64>().expect("seconds");
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    let change = format!("mutation {{ changeEmail(password: \"{PASSWORD}\", email: \"bob@example.com\") }}");
    assert_eq!(tenant.owner().await.account(&change, json!({})).await.code(), "RATE_LIMITED");
    invite(&tenant.api_key, "eve@example.com", "agent").await.data();
    assert_eq!(waiting(&tenant).await, json!([{ "email": "eve@example.com", "role": "agent" }]));
    message(&app, "eve@example.com").await;
    for _ in 0..5 {
        message(&app, "bob@example.com").await;
    }
    assert!(app.mailbox().emails().is_empty(), "{:?}", app.mailbox().emails());
    let log = "{ securityLog(kinds: [MEMBER_INVITED], first: 50) { nodes { detail } } }";
    let log = tenant.graphql(log, json!({})).await;
    assert_eq!(log.text.matches("revoked").count(), 5, "{}", log.text);
}

#[tokio::test]
async fn who_is_a_member_keeps_the_role_they_have() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.owner().await;
    invite(&tenant.api_key, "boss@example.com", "viewer").await.data();
    let token = message(&app, "boss@example.com").await.token();
    let change = format!("mutation {{ changeEmail(password: \"{PASSWORD}\", email: \"boss@example.com\") }}");
    owner.account(&change, json!({})).await.data();
    for (email, subject) in [
        ("boss@example.com", "Confirm your new email address"),
        ("owner@acme.example", "Your email address will change"),
    ] {
        let link = app.mailbox().take(email, subject).await.token();
        let query = "mutation ($token: String!) { confirmEmail(token: $token) }";
        app.anonymous().account(query, json!({ "token": link })).await.data();
    }
    assert_eq!(accept(&owner, &token, None).await.code(), "CONFLICT");
    let me = owner.account("{ me { memberships { role } } }", json!({})).await.data();
    assert_eq!(me["me"]["memberships"], json!([{ "role": "owner" }]));
}

#[tokio::test]
async fn an_invitation_holds_as_long_as_its_sender_could_send_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let (ada, ada_id) = access::member(&app, &tenant, "ada@example.com", "admin").await;
    let (eve, eve_id) = access::member(&app, &tenant, "eve@example.com", "admin").await;
    for (client, email) in [(&ada, "bob@example.com"), (&eve, "tom@example.com")] {
        invite(client, email, "admin").await.data();
    }
    let (bob, tom) = (message(&app, "bob@example.com").await.token(), message(&app, "tom@example.com").await.token());
    let change = "mutation ($id: ID!) { changeMemberRole(member: $id, role: \"agent\") { role } }";
    tenant.data(change, json!({ "id": ada_id })).await;
    tenant.data("mutation ($id: ID!) { deactivateMember(member: $id) { active } }", json!({ "id": eve_id })).await;
    for token in [&bob, &tom] {
        assert_eq!(accept(&app.anonymous(), token, self::bob()).await.code(), "LINK_EXPIRED");
    }
    let sign_in =
        format!("mutation {{ signIn(email: \"bob@example.com\", password: \"{PASSWORD}\") {{ accessToken }} }}");
    assert_eq!(app.anonymous().account(&sign_in, json!({})).await.code(), "BAD_CREDENTIALS", "nobody was made");
    let left = tenant.data("{ invitations { email } }", json!({})).await["invitations"].clone();
    assert_eq!(left, json!([{ "email": "bob@example.com" }]), "what was sent by who was shut out is taken back");
    let key = app.cli(&["api-key", "create", "--tenant", "acme", "--name", "hr", "--role", "admin"]);
    invite(&app.with_token(key.printed()), "kim@example.com", "admin").await.data();
    let kim = message(&app, "kim@example.com").await.token();
    let keys = tenant.data("{ apiKeys { id name } }", json!({})).await["apiKeys"].clone();
    assert_eq!(keys[0]["name"], "hr");
    tenant.data("mutation ($id: ID!) { revokeApiKey(id: $id) { id } }", json!({ "id": keys[0]["id"] })).await;
    assert_eq!(accept(&app.anonymous(), &kim, self::bob()).await.code(), "LINK_EXPIRED", "by a key that was revoked");
}

#[tokio::test]
async fn who_does_without_notices_gets_none() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let owner = tenant.owner().await;
    owner.account("mutation { updateProfile(input: { muted: [INVITATION_ACCEPTED] }) { id } }", json!({})).await.data();
    invite(&owner, "bob@example.com", "agent").await.data();
    let token = message(&app, "bob@example.com").await.token();
    accept(&app.anonymous(), &token, bob()).await.data();
    let ask = "mutation { askRecovery(email: \"owner@acme.example\") { email } }";
    app.anonymous().account(ask, json!({})).await.data();
    app.mailbox().take("owner@acme.example", "Choose a new password").await;
    assert!(app.mailbox().emails().is_empty(), "{:?}", app.mailbox().emails());
}

#[tokio::test]
async fn members_leave_and_come_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    invite(&tenant.api_key, "bob@example.com", "agent").await.data();
    let token = message(&app, "bob@example.com").await.token();
    let member = accept(&app.anonymous(), &token, self::bob()).await.data()["acceptInvitation"]["memberId"].clone();
    let bob = signed_in(&app, "bob@example.com").await;
    let shut = "mutation ($member: ID!) { deactivateMember(member: $member) { active } }";
    tenant.data(shut, json!({ "member": member })).await;
    invite(&tenant.api_key, "bob@example.com", "viewer").await.data();
    let token = message(&app, "bob@example.com").await.token();
    let back = accept(&bob, &token, None).await.data()["acceptInvitation"].clone();
    assert_eq!((&back["memberId"], &back["role"]), (&member, &json!("viewer")), "the same member again");

    let leave = format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") }}");
    assert_eq!(bob.account(&leave, json!({})).await.data(), json!({ "deleteAccount": true }));
    app.mailbox().take("bob@example.com", "Your account was deleted").await;
    assert_eq!(bob.account("{ me { user { id } } }", json!({})).await.code(), "UNAUTHENTICATED");
    until(2, "the organisation refuses", async || bob.graphql("{ me { role } }", json!({})).await.status == 401).await;
    let members =
        tenant.data("{ organisationMembers { name active } }", json!({})).await["organisationMembers"].clone();
    let gone = members.as_array().and_then(|all| all.iter().find(|one| one["name"] == "Bob Ross")).expect("Bob");
    assert_eq!(gone["active"], false, "what Bob wrote stays under his name");
    let again = "mutation { signIn(email: \"bob@example.com\", password: \"x\") { accessToken } }";
    assert_eq!(app.anonymous().account(again, json!({})).await.code(), "BAD_CREDENTIALS");
    app.sign_up("bob@example.com", PASSWORD, "bobs").await;
}
