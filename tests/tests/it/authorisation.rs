//! Every operation and every route checks the caller and their permissions. The schemas and the routes say what there
//! is to try. What is open is in lists, with the reason, and the lists may only shrink.

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Client, TestApp, until, workspace};

use crate::{access, isolation::schema::Schema};

/// Operations of the account endpoint for people without a credential.
const OPEN: &[(&str, &str)] = &[
    ("signUp", "begins an account"),
    ("confirmSignUp", "has the token of an email"),
    ("signIn", "has a password"),
    ("askRecovery", "has lost it"),
    ("recover", "has the token of an email"),
    ("confirmEmail", "has the token of an email"),
    ("refresh", "has a refresh token"),
];

/// Operations of a tenant that are allowed for any role, with the reason.
const FOR_ALL: &[(&str, &str)] = &[
    ("me", "who asks"),
    ("objects", "names of objects and fields are no secret within an organisation"),
    ("object", "as objects"),
    ("exchangeRates", "what amounts are worth"),
    ("roles", "what others may do is no secret within an organisation"),
    ("role", "as roles"),
    ("runs", "those that the caller may see; here none"),
    ("run", "as runs"),
    ("changes", "those of what the caller may see; here none"),
];

/// Operations that look up their target before they check a permission: what the caller cannot see does not exist.
const FIND_FIRST: &[(&str, &str)] = &[
    ("cancelRun", "runs of others are not seen"),
    ("undoRun", "runs of others are not seen"),
    ("transferOwnership", "the owner's alone"),
];

/// Routes that need no credential, with the reason.
const OPEN_ROUTES: &[(&str, &str)] = &[
    ("/healthz", "says that the process lives"),
    ("/readyz", "says that it can serve"),
    ("/metrics", "numbers for operators; holds no name and no address"),
    ("/graphql/account", "its operations are tried one by one"),
    ("/account/{name}", "pages of ours, without data"),
    ("/graphql/ws", "the credential comes with the first message; see api_keys"),
    ("/t/{slug}/graphql/ws", "as /graphql/ws"),
    ("/t/{slug}/sign-on", "leads to the organisation's provider; see sign_on"),
    ("/t/{slug}/sign-on/callback", "has what the provider sent"),
];

/// Routes that are allowed for any role.
const ROUTES_FOR_ALL: &[(&str, &str)] = &[
    ("/api/schema.graphql", "names are no secret within an organisation"),
    ("/t/{slug}/api/schema.graphql", "as /api/schema.graphql"),
    ("/graphql", "its operations are tried one by one"),
    ("/t/{slug}/graphql", "as /graphql"),
];

const ID: &str = "0190a000-0000-7000-8000-000000000000";

fn listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(known, _)| *known == name)
}

/// A stranger, a key without any permission, and a revoked key.
async fn strangers(app: &TestApp) -> [(&'static str, Client); 3] {
    let tenant = app.tenant("acme");
    access::role(&tenant, json!({ "name": "nobody", "label": "Nobody" })).await;
    let empty = access::program(app, &tenant, "nobody");
    let made =
        tenant.data("mutation { createApiKey(input: { name: \"gone\" }) { key apiKey { id } } }", json!({})).await;
    let revoked = app.with_token(made["createApiKey"]["key"].as_str().expect("a key"));
    let revoke = "mutation ($id: ID!) { revokeApiKey(id: $id) { id } }";
    tenant.data(revoke, json!({ "id": made["createApiKey"]["apiKey"]["id"] })).await;
    let refused = async || revoked.graphql("{ me { language } }", json!({})).await.status == 401;
    until(2, "the key is revoked", refused).await;
    [("anonymous", app.anonymous()), ("without rights", empty), ("revoked", revoked)]
}

#[tokio::test]
async fn every_operation_of_a_tenant_asks_who_is_there() {
    let app = TestApp::start().await;
    let [anonymous, empty, revoked] = strangers(&app).await;
    let owner = app.tenant("other");
    let schema = Schema::of(&owner.api_key, "/graphql").await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let mut stale: Vec<&str> = FOR_ALL.iter().chain(FIND_FIRST).map(|(name, _)| *name).collect();
    for (kind, field) in schema.roots() {
        let name = field["name"].as_str().expect("a name");
        let Some((query, variables)) = schema.call(kind, field, ID) else {
            wrong.push(format!("{name}: no arguments could be made up"));
            continue;
        };
        for (who, client) in [&anonymous, &revoked] {
            let answer = client.graphql(&query, variables.clone()).await;
            if answer.status != 401 || !answer.body["data"].is_null() {
                wrong.push(format!("{who} {query}\n  {} {:.200}", answer.status, answer.text));
            }
        }
        let (who, client) = &empty;
        let answer = client.graphql(&query, variables).await;
        let code = answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        match code {
            "FORBIDDEN" => {}
            "" if listed(FOR_ALL, name) => stale.retain(|known| *known != name),
            "NOT_FOUND" if listed(FIND_FIRST, name) => stale.retain(|known| *known != name),
            _ => wrong.push(format!("{who} {query}\n  {:.300}", answer.text)),
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "the list may shrink: {stale:?}");
    assert!(tried > 60, "only {tried} operations were tried");
}

#[tokio::test]
async fn every_operation_of_the_account_endpoint_asks_who_is_there() {
    let app = TestApp::start().await;
    let [anonymous, _, revoked] = strangers(&app).await;
    let schema = Schema::shallow(&anonymous.1, "/graphql/account").await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (kind, field) in schema.roots() {
        let name = field["name"].as_str().expect("a name");
        if listed(OPEN, name) {
            continue;
        }
        let Some((query, variables)) = schema.call(kind, field, ID) else {
            wrong.push(format!("{name}: no arguments could be made up"));
            continue;
        };
        for (who, client) in [&anonymous, &revoked] {
            let answer = client.account(&query, variables.clone()).await;
            let code = answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            if code != "UNAUTHENTICATED" {
                wrong.push(format!("{who} {query}\n  {:.300}", answer.text));
            }
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 5, "only {tried} operations were tried");
}

#[tokio::test]
async fn every_route_asks_who_is_there() {
    let app = TestApp::start().await;
    let [anonymous, empty, revoked] = strangers(&app).await;
    let (routes, mut wrong) = (routes(), Vec::new());
    assert!(routes.len() > 20, "only these routes were found: {routes:?}");
    for (method, path) in routes.iter().filter(|(_, path)| !listed(OPEN_ROUTES, path)) {
        let address = path.replace("{slug}", "acme").replace("{id}", ID);
        for ((who, client), fine) in [(&anonymous, &[401][..]), (&revoked, &[401]), (&empty, &[403, 404])] {
            if fine != [401] && listed(ROUTES_FOR_ALL, path) {
                continue;
            }
            let answer = Answer::of(client.request(method.clone(), &address).body("firstName\nEve\n")).await;
            if !fine.contains(&answer.status) {
                wrong.push(format!("{who} {method} {path}: {} {:.200}", answer.status, answer.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (path, _) in OPEN_ROUTES.iter().chain(ROUTES_FOR_ALL) {
        assert!(routes.iter().any(|(_, known)| known == path), "the list may shrink: {path}");
    }
}

/// The routes as the program registers them.
fn routes() -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for file in ["api/src/http/mod.rs", "api/src/rest/mod.rs", "api/src/account/pages.rs"] {
        let source = std::fs::read_to_string(workspace::file(file)).expect("a source");
        let bases: Vec<&str> = match source.split_once("for base in [").and_then(|(_, rest)| rest.split_once(']')) {
            Some((list, _)) => list.split('"').skip(1).step_by(2).collect(),
            None => vec![""],
        };
        for call in source.split(".route(").skip(1) {
            let (path, rest) = if call.starts_with("base") {
                ("{base}", call)
            } else {
                let mut parts = call.splitn(3, '"').skip(1);
                (parts.next().expect("a path"), parts.next().expect("a handler"))
            };
            let method = rest.split_once("web::").and_then(|(_, rest)| rest.split_once('(')).expect("a method").0;
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{{", "{").replace("}}", "}");
            if path.contains("{base}") {
                routes.extend(bases.iter().map(|base| (method.clone(), path.replace("{base}", base))));
            } else {
                routes.push((method, path));
            }
        }
    }
    routes
}
