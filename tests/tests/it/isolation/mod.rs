//! Another organisation's records do not exist. The schema says what there is to try: every query and every mutation is
//! called with the other's ids, in every place for an id.

pub mod schema;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, TestApp, until};

use crate::world;
use schema::Schema;

/// Root fields that may return something for a foreign id, with the reason. This list may only shrink.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// What a mutation may say about an id that does not exist here.
const UNKNOWN: &[&str] = &["NOT_FOUND", "VALIDATION_FAILED"];

#[tokio::test]
async fn no_operation_reaches_another_organisation() {
    let app = TestApp::start().await;
    let (victim, thief) = (app.tenant("victim"), app.tenant("thief"));
    let foreign = populate(&victim).await;
    populate(&thief).await;
    let before = everything(&victim).await;

    let schema = Schema::of(&thief.api_key, "/graphql").await;
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (kind, field) in schema.roots() {
        let name = field["name"].as_str().expect("a name");
        if EXCEPTIONS.iter().any(|(known, _)| *known == name) || !schema.takes_ids(field) {
            continue;
        }
        for id in &foreign {
            let Some((query, variables)) = schema.call(kind, field, id) else { continue };
            let answer = thief.graphql(&query, variables).await;
            tried += 1;
            let leaks = answer.text.contains("Quartermaine");
            let reached = !nothing(&answer.body["data"][name]);
            let reported = answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            let odd = kind == "mutation"
                && !UNKNOWN.contains(&reported)
                && !is_list_argument_only(&answer.body["data"][name]);
            if leaks || reached || odd {
                wrong.push(format!("{query}\n  {:.300}", answer.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{} calls with foreign ids:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 30, "only {tried} calls were made");
    assert_eq!(everything(&victim).await, before, "another organisation's records changed");
}

#[tokio::test]
async fn no_address_reaches_another_organisation() {
    let app = TestApp::start().await;
    let (victim, thief) = (app.tenant("victim"), app.tenant("thief"));
    let run = import(&victim).await;
    let nothing = "0190a000-0000-7000-8000-000000000000";
    for (method, base, path) in [
        (Method::GET, "/api/imports", ""),
        (Method::GET, "/api/imports", "/errors"),
        (Method::POST, "/api/imports", "/cancel"),
        (Method::POST, "/api/imports", "/undo"),
        (Method::GET, "/api/v1/runs", ""),
        (Method::POST, "/api/v1/runs", "/cancel"),
        (Method::POST, "/api/v1/runs", "/undo"),
    ] {
        let ask =
            async |id: &str| Answer::of(thief.api_key.request(method.clone(), &format!("{base}/{id}{path}"))).await;
        let (theirs, missing) = (ask(&run).await, ask(nothing).await);
        assert_eq!((theirs.status, theirs.code().as_str()), (404, "NOT_FOUND"), "{path}: {}", theirs.text);
        assert_eq!(theirs.text.replace(&run, nothing), missing.text, "in the same words as a missing one");
    }
    let still = Answer::of(victim.api_key.request(Method::GET, &format!("/api/imports/{run}"))).await;
    assert_eq!(still.body["status"], "DONE", "{}", still.text);
}

#[tokio::test]
async fn lists_filters_and_cursors_stay_at_home() {
    let app = TestApp::start().await;
    let (victim, thief) = (app.tenant("victim"), app.tenant("thief"));
    let foreign = populate(&victim).await;
    populate(&thief).await;
    let ours = everything(&thief).await.to_string();
    assert!(foreign.iter().all(|id| !ours.contains(id)));

    let cursor = victim.data("{ customers(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let cursor = cursor["customers"]["pageInfo"]["endCursor"].clone();
    let page = "query ($after: String) { customers(after: $after) { nodes { id } } }";
    let answer = thief.graphql(page, json!({ "after": cursor })).await;
    assert!(foreign.iter().all(|id| !answer.text.contains(id)), "{}", answer.text);

    let by_id = "query ($id: ID!) { customers(filter: { id: { eq: $id } }) { totalCount }
        vehicles(filter: { customer: { id: { eq: $id } } }) { totalCount } }";
    for id in &foreign {
        let found = thief.data(by_id, json!({ "id": id })).await;
        assert_eq!((&found["customers"]["totalCount"], &found["vehicles"]["totalCount"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn a_credential_opens_its_own_organisation_alone() {
    let app = TestApp::start().await;
    let (victim, thief) = (app.tenant("victim"), app.tenant("thief"));
    let query = "{ customers { totalCount } }";
    thief.api_key.graphql_at("/t/thief/graphql", query, json!({})).await.data();
    let theirs = thief.api_key.graphql_at("/t/victim/graphql", query, json!({})).await;
    let nowhere = thief.api_key.graphql_at("/t/nowhere/graphql", query, json!({})).await;
    assert_eq!((theirs.status, theirs.code()), (nowhere.status, nowhere.code()), "as if it did not exist");
    assert_eq!(app.anonymous().graphql(query, json!({})).await.status, 401);
    victim.owner().await.graphql(query, json!({})).await.data();
}

/// Records of each kind; the ids of all of them.
async fn populate(tenant: &Tenant) -> Vec<String> {
    world::vehicles(tenant).await;
    let data = json!({ "firstName": "Zenobia", "lastName": "Quartermaine", "email": "zenobia@example.com" });
    let customer = tenant.create("customer", data).await;
    let interaction = json!({ "kind": "note", "subject": "Quartermaine", "customer": customer });
    let interaction = tenant.create("interaction", interaction).await;
    let vehicle = tenant.create("vehicle", json!({ "name": "Quartermaine", "customer": customer })).await;
    let points = tenant.data("{ contactPoints { nodes { id } } }", json!({})).await;
    let point = points["contactPoints"]["nodes"][0]["id"].as_str().expect("a contact point").to_owned();
    vec![customer, interaction, vehicle, point, import(tenant).await]
}

/// The id of a finished import.
async fn import(tenant: &Tenant) -> String {
    let upload =
        tenant.api_key.request(Method::POST, "/api/imports?object=customer").header("content-type", "text/csv");
    let begun = Answer::of(upload.body("firstName,lastName,birthDate\nZenobia,Quartermaine,never\n")).await;
    let id = begun.body["runId"].as_str().expect("a run").to_owned();
    let query = "query ($id: ID!) { run(id: $id) { status } }";
    let ended = async || tenant.data(query, json!({ "id": id })).await["run"]["status"] == "DONE";
    until(30, "the import ends", ended).await;
    id
}

async fn everything(tenant: &Tenant) -> Value {
    let query = "{ customers(archived: INCLUDE) { nodes { id version name updatedAt archivedAt } }
        interactions(archived: INCLUDE) { nodes { id version subject } }
        vehicles(archived: INCLUDE) { nodes { id version name customer { id } } }
        contactPoints(archived: INCLUDE) { nodes { id version value } } }";
    tenant.data(query, json!({})).await
}

/// Null, an empty list, or an object that says so.
fn nothing(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Array(items) => items.iter().all(nothing),
        Value::Object(fields) => {
            fields.iter().all(|(name, value)| name == "__typename" || nothing(value) || value == 0)
        }
        _ => false,
    }
}

/// A bulk change that found nothing to change is no error.
fn is_list_argument_only(data: &Value) -> bool {
    data.get("matched").is_some_and(|matched| matched == 0)
}

#[tokio::test]
async fn two_organisations_on_one_connection_never_meet() {
    let app = TestApp::start_with(&[("CLIENTELE_DATABASE_CONNECTIONS", "1")]).await;
    let tenants = [app.tenant("left"), app.tenant("right")];
    for tenant in &tenants {
        tenant.create("customer", json!({ "firstName": tenant.slug })).await;
    }
    let rounds = (0..400).map(|round| {
        let tenant = &tenants[round % 2];
        async move {
            let query = "{ customers(filter: { status: { eq: \"active\" } }) { nodes { firstName } totalCount } }";
            if round % 10 < 2 {
                tenant.create("customer", json!({ "firstName": tenant.slug })).await;
            }
            let found = tenant.data(query, json!({})).await["customers"]["nodes"].clone();
            let strangers = found.as_array().expect("nodes").iter().filter(|node| node["firstName"] != tenant.slug);
            assert_eq!(strangers.count(), 0, "{} saw {found}", tenant.slug);
        }
    });
    futures::StreamExt::collect::<Vec<_>>(futures::StreamExt::buffer_unordered(futures::stream::iter(rounds), 16))
        .await;
}
