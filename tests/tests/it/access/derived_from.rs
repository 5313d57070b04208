//! Hidden values stay hidden when something is derived from them, matched by them or written through them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, TestApp, until};

use super::{all, hiding, on, program, role};
use crate::world;

/// The result of an upload.
async fn imported(client: &Client, query: &str, csv: &'static str) -> (Value, String) {
    let sent = Answer::of(client.request(Method::POST, &format!("/api/imports{query}")).body(csv)).await;
    let run = sent.body["runId"].as_str().unwrap_or_else(|| panic!("{}", sent.text)).to_owned();
    let show = async |path: &str| Answer::of(client.request(Method::GET, &format!("/api/imports/{run}{path}"))).await;
    until(30, "the import to end", async || show("").await.body["status"] == "DONE").await;
    (show("").await.body, show("/errors").await.text)
}

#[tokio::test]
async fn a_file_does_not_find_records_by_a_hidden_name() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    tenant.create("customer", json!({ "name": "Ada", "externalId": "a-1" })).await;
    role(&tenant, hiding("clerk", "customer", "name", &[])).await;
    let clerk = program(&app, &tenant, "clerk");
    let linked = async |csv| imported(&clerk, "?object=vehicle", csv).await;
    let (by_name, refused) = linked("name,customer\nOne,Ada\nTwo,Nobody\n").await;
    assert_eq!(by_name["failed"], 2, "{by_name}");
    let reason = |name: &str| {
        let line = refused.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{refused}"));
        line.replace(name, "")
    };
    let same =
        reason("Ada").replace("One", "").replace('2', "") == reason("Nobody").replace("Two", "").replace('3', "");
    assert!(same, "one who is there is told like one who is not: {refused}");
    let (by_key, refused) = linked("name,customer\nThree,a-1\n").await;
    assert_eq!((&by_key["failed"], &by_key["created"]), (&json!(0), &json!(1)), "{by_key} {refused}");
    let preview =
        "{ importPreview(input: { object: \"customer\", csv: \"name,city\\nAda,Alger\\n\" }) { refused ignored } }";
    let preview = clerk.data(preview, json!({})).await["importPreview"].clone();
    assert_eq!(preview, json!({ "refused": ["name"], "ignored": [] }), "what the role does not fill is told before");
    let named = Answer::of(
        clerk.request(Method::POST, "/api/imports?object=vehicle&map=customer%3Dcustomer.name").body("customer\nAda\n"),
    );
    assert_eq!(named.await.code(), "FORBIDDEN", "nor where the file names the field");
}

#[tokio::test]
async fn a_hidden_value_of_a_contact_point_is_hidden_with_its_key() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    tenant.create("customer", json!({ "name": "Ada", "email": "Ada@Example.com" })).await;
    role(&tenant, hiding("clerk", "contactPoint", "value", &[])).await;
    let clerk = program(&app, &tenant, "clerk");
    for query in [
        "{ contactPoints { nodes { value } } }",
        "{ contactPoints { nodes { key } } }",
        "{ contactPoints { nodes { name } } }",
        "{ contactPoints(filter: { value: { startsWith: \"a\" } }) { totalCount } }",
        "{ contactPoints(filter: { key: { startsWith: \"a\" } }) { totalCount } }",
        "{ contactPoints(orderBy: [{ key: ASC }]) { totalCount } }",
        "{ customers(filter: { contactPoints: { some: { key: { startsWith: \"a\" } } } }) { totalCount } }",
    ] {
        let answer = clerk.graphql(query, json!({})).await;
        let reported = answer.text.to_lowercase().contains("example.com");
        assert!(answer.code() == "FORBIDDEN" && !reported, "{query} {}", answer.text);
    }
    let kinds = "{ contactPoints(filter: { kind: { eq: \"email\" } }) { nodes { kind } } }";
    assert_eq!(clerk.data(kinds, json!({})).await["contactPoints"]["nodes"][0]["kind"], "email");
}

#[tokio::test]
async fn a_link_between_many_is_written_from_neither_end() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let relation = json!({ "to": "customer", "kind": "MANY_TO_MANY", "inverse": "drives" });
    world::field(&tenant, json!({ "object": "vehicle", "name": "drivers", "type": "RELATION", "relation": relation }))
        .await;
    let customer = tenant.create("customer", json!({ "name": "Ada" })).await;
    let vehicle = tenant.create("vehicle", json!({ "name": "V" })).await;
    let near = "mutation ($from: ID!, $to: ID!) { updateVehicle(id: $from, data: { drivers: { add: [$to] } }) { id } }";
    let far = "mutation ($to: ID!, $from: ID!) { updateCustomer(id: $to, data: { drives: { add: [$from] } }) { id } }";
    let ids = json!({ "from": vehicle, "to": customer });
    for (access, object, field) in
        [("READ", "vehicle", "drivers"), ("READ", "customer", "drives"), ("HIDDEN", "vehicle", "drivers")]
    {
        let name = format!("{}_{object}", access.to_lowercase());
        let fields = json!({ "fields": [{ "field": field, "access": access }] });
        role(&tenant, json!({ "name": name, "others": all(), "objects": [on(object, fields)] })).await;
        let client = program(&app, &tenant, &name);
        for document in [near, far] {
            assert_eq!(client.code(document, ids.clone()).await, "VALIDATION_FAILED", "{name} {document}");
        }
    }
    let linked = "{ vehicles { nodes { drivers { totalCount } } } }";
    assert_eq!(tenant.data(linked, json!({})).await["vehicles"]["nodes"][0]["drivers"]["totalCount"], 0);
    tenant.data(far, ids).await;
    assert_eq!(tenant.data(linked, json!({})).await["vehicles"]["nodes"][0]["drivers"]["totalCount"], 1);
}

#[tokio::test]
async fn a_field_is_not_changed_into_one_that_tells_a_hidden_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let why = world::field(&tenant, json!({ "object": "vehicle", "name": "why", "type": "TEXT" })).await;
    let rollup = json!({ "relation": "vehicles", "function": "COUNT" });
    let count = json!({ "object": "customer", "name": "cars", "type": "ROLLUP", "rollup": rollup });
    let count = world::field(&tenant, count).await;
    role(&tenant, hiding("clerk", "vehicle", "price", &["CONFIGURE_CATALOG"])).await;
    let clerk = program(&app, &tenant, "clerk");
    let update = "mutation ($id: ID!, $input: UpdateFieldInput!) { updateField(id: $id, input: $input) { id } }";
    let dear = json!({ "price": { "gt": "1000" } });
    for (id, input) in [
        (&why["id"], json!({ "validation": { "requiredWhen": dear } })),
        (&why["id"], json!({ "validation": { "visibleWhen": dear } })),
        (&count["id"], json!({ "rollup": { "relation": "vehicles", "function": "COUNT", "filter": dear } })),
        (&count["id"], json!({ "rollup": { "relation": "vehicles", "function": "SUM", "field": "price" } })),
    ] {
        let variables = json!({ "id": id, "input": input });
        assert_eq!(clerk.code(update, variables.clone()).await, "FORBIDDEN", "{input}");
        tenant.data(update, variables).await;
    }
    let plain = json!({ "id": why["id"], "input": { "label": { "en": "Why" } } });
    assert_eq!(
        clerk.data(update, plain).await["updateField"]["id"],
        why["id"],
        "what is there may be called otherwise"
    );
}

#[tokio::test]
async fn a_file_of_refused_rows_that_is_taken_out_stands_in_the_log() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let (run, refused) = imported(&tenant.api_key, "", "name,birthDate\nBob,never\n").await;
    assert!(refused.contains("never"), "{refused}");
    let log = "{ securityLog(kinds: [EXPORTED]) { nodes { actor { kind } detail } } }";
    let log = tenant.data(log, json!({})).await["securityLog"]["nodes"].clone();
    assert_eq!(log.as_array().map(Vec::len), Some(1), "{log}");
    assert_eq!(log[0]["actor"]["kind"], "API_KEY");
    assert!(log.to_string().contains(run["runId"].as_str().unwrap_or("no id")), "{log} {run}");
}
