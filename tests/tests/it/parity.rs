//! Both databases give the same answers. Expected values are written once; this binary runs on each database.

use serde_json::{Value, json};
use tests::{Tenant, TestApp};

use crate::world::field;

#[tokio::test]
async fn texts_are_compared_without_case_accents_and_doubled_spaces() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    for city in [
        "Zürich",
        "élan",
        "Elan",
        "Œuvre",
        "Straße",
        "100%",
        "100x",
        "a_b",
        "acb",
        "  two   words ",
        "zebra",
        "Ångström",
    ] {
        acme.create("customer", json!({ "firstName": "X", "city": city })).await;
    }
    acme.create("customer", json!({ "firstName": "X" })).await;
    for (filter, expected) in [
        ("{ eq: \"ELAN\" }", vec!["Elan", "élan"]),
        ("{ eq: \"strasse\" }", vec!["Straße"]),
        ("{ startsWith: \"OEU\" }", vec!["Œuvre"]),
        ("{ contains: \"0%\" }", vec!["100%"]),
        ("{ contains: \"a_b\" }", vec!["a_b"]),
        ("{ eq: \"Two words\" }", vec!["two   words"]),
        ("{ in: [\"zurich\", \"ZEBRA\"] }", vec!["zebra", "Zürich"]),
        ("{ gte: \"z\" }", vec!["zebra", "Zürich"]),
        ("{ isNull: true }", vec![]),
    ] {
        let query =
            format!("{{ customers(filter: {{ city: {filter} }}, orderBy: [{{ city: ASC }}]) {{ nodes {{ city }} }} }}");
        let mut found: Vec<_> =
            cities(&acme, &query).await.into_iter().filter_map(|city| Some(city.as_str()?.to_owned())).collect();
        let mut expected = expected;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
    let all = cities(&acme, "{ customers(orderBy: [{ city: DESC }]) { nodes { city } } }").await;
    assert_eq!(all.first(), Some(&json!("Zürich")));
    assert_eq!(all.last(), Some(&Value::Null), "null is the least");
}

#[tokio::test]
async fn pages_forwards_and_backwards_make_the_whole_list() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    for city in [None, Some("b"), Some("a"), None, Some("b"), Some("B"), None, Some("ç"), Some("z")] {
        acme.create("customer", json!({ "firstName": "X", "city": city })).await;
    }
    for order in ["[{ city: ASC }]", "[{ city: DESC }]", "[{ city: DESC }, { createdAt: ASC }]", "[]"] {
        let whole = format!("{{ customers(orderBy: {order}) {{ nodes {{ id }} }} }}");
        let whole = ids(&acme.data(&whole, json!({})).await);
        assert_eq!(whole.len(), 9);
        assert_eq!(walk(&acme, order, "first", "after").await, whole, "forwards by {order}");
        assert_eq!(walk(&acme, order, "last", "before").await, whole, "backwards by {order}");
    }
}

#[tokio::test]
async fn numbers_are_exact() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    field(
        &acme,
        json!({ "object": "customer", "name": "points", "label": { "en": "Points" }, "type": "DECIMAL", "scale": 2 }),
    )
    .await;
    for points in ["0.10", "0.20", "-5", "0.01"] {
        acme.create("customer", json!({ "firstName": "X", "points": points })).await;
    }
    acme.create("customer", json!({ "firstName": "X" })).await;
    let query = "{ customersAggregate { count sum { points } avg { points } min { points } max { points } } }";
    let totals = acme.data(query, json!({})).await["customersAggregate"].clone();
    // -4.69 / 4 = -1.1725, half-even at the field's scale; the record without value does not count.
    let expected = json!({ "count": 5, "sum": { "points": "-4.69" }, "avg": { "points": "-1.17" }, "min": { "points": "-5.00" }, "max": { "points": "0.20" } });
    assert_eq!(totals, expected);
    let above = "{ customers(filter: { points: { gt: \"0.1\" } }) { nodes { points } } }";
    assert_eq!(acme.data(above, json!({})).await["customers"]["nodes"], json!([{ "points": "0.20" }]));
}

#[tokio::test]
async fn instants_keep_their_microseconds() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    field(&acme, json!({ "object": "customer", "name": "seenAt", "label": { "en": "Seen" }, "type": "DATE_TIME" }))
        .await;
    acme.create("customer", json!({ "firstName": "X", "seenAt": "2024-02-29T23:59:59.123456+01:00" })).await;
    acme.create("customer", json!({ "firstName": "Y", "seenAt": "1969-12-31T23:59:59.999999Z" })).await;
    let query = "{ customers(orderBy: [{ seenAt: ASC }], filter: { seenAt: { lt: \"2024-02-29T22:59:59.123457Z\" } }) { nodes { seenAt } } }";
    let expected = json!([{ "seenAt": "1969-12-31T23:59:59.999999Z" }, { "seenAt": "2024-02-29T22:59:59.123456Z" }]);
    assert_eq!(acme.data(query, json!({})).await["customers"]["nodes"], expected);
}

#[tokio::test]
async fn a_value_that_is_taken_is_named() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme");
    field(
        &acme,
        json!({ "object": "customer", "name": "badge", "label": { "en": "Badge" }, "type": "TEXT", "unique": true }),
    )
    .await;
    let first = acme.create("customer", json!({ "firstName": "X", "badge": "Élan" })).await;
    let query = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
    let answer = acme.graphql(query, json!({ "data": { "firstName": "Y", "badge": "elan" } })).await;
    let error = &answer.body["errors"][0];
    assert_eq!(error["path"], json!(["createCustomer"]), "{}", answer.text);
    let field = &error["extensions"]["fields"][0];
    assert_eq!((&field["field"], &field["code"]), (&json!("badge"), &json!("TAKEN")), "{}", answer.text);

    // An archived record frees its value; restoring into a taken one is a conflict that names the other.
    acme.data("mutation ($id: ID!) { deleteCustomer(id: $id) { id } }", json!({ "id": first })).await;
    let second = acme.create("customer", json!({ "firstName": "Y", "badge": "elan" })).await;
    let restore = acme.graphql("mutation ($id: ID!) { restoreCustomer(id: $id) { id } }", json!({ "id": first })).await;
    assert_eq!(restore.code(), "CONFLICT");
    assert!(restore.text.contains(&second), "{}", restore.text);
}

async fn cities(tenant: &Tenant, query: &str) -> Vec<Value> {
    let data = tenant.data(query, json!({})).await;
    data["customers"]["nodes"].as_array().expect("nodes").iter().map(|node| node["city"].clone()).collect()
}

fn ids(data: &Value) -> Vec<String> {
    let nodes = data["customers"]["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

/// All ids in the order of the list, by pages of two.
async fn walk(tenant: &Tenant, order: &str, count: &str, cursor: &str) -> Vec<String> {
    let query = format!(
        "query ($cursor: String) {{ customers(orderBy: {order}, {count}: 2, {cursor}: $cursor) {{
            nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let (more, edge) = if count == "first" { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
    let (mut all, mut at) = (Vec::new(), Value::Null);
    loop {
        let data = tenant.data(&query, json!({ "cursor": at })).await;
        let page = ids(&data);
        all = if count == "first" { [all, page].concat() } else { [page, all].concat() };
        if data["customers"]["pageInfo"][more] != true {
            return all;
        }
        at = data["customers"]["pageInfo"][edge].clone();
    }
}
