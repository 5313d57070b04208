//! What is refused, and how it is told.

use serde_json::{Value as Json, json};

use super::World;
use crate::graphql::Budget;

fn code(answer: &Json) -> &str {
    answer["refused"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn documents_that_do_not_fit_are_refused_with_their_place() {
    let world = World::new().await;
    for (document, wanted) in [
        ("{ customers { nodes { nonsense } } }", "nonsense"),
        ("{ customers(filter: 5) { totalCount } }", "filter"),
        ("{ customers(filter: { city: { eq: 5 } }) { totalCount } }", "String"),
        ("{ customers(filter: { citi: { eq: \"a\" } }) { totalCount } }", "citi"),
        ("{ a: customers { totalCount } ... on Query { a: me { language } } }", "different fields"),
        ("{ customers { nodes { id } ... on CustomerConnection { nodes { id: name } } } }", "different fields"),
        ("query($f: Int) { customers(filter: $f) { totalCount } }", "CustomerFilter"),
        ("query($on: String) { me @skip(if: $on) { language } }", "Boolean!"),
        ("query($x: Nope) { me { language } }", "Nope"),
        ("{ customer { id } }", "id"),
        ("mutation { createCustomer(data: { city: 5 }) { id } }", "String"),
    ] {
        let answer = world.ask(document, json!({})).await;
        assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "{document} {answer}");
        assert!(answer["refused"][0]["locations"][0]["line"].is_number(), "{document} {answer}");
        assert!(answer["refused"].to_string().contains(wanted), "{document} {answer}");
    }
}

#[tokio::test]
async fn variables_are_coerced_by_the_specification() {
    let world = World::new().await;
    let document = "query($n: Int = 3, $f: CustomerFilter) { customers(first: $n, filter: $f) { totalCount } }";
    world.data_with(document, json!({ "n": 7.0, "f": null })).await;
    for variables in [json!({ "n": "7" }), json!({ "f": { "city": { "eq": 5 } } }), json!({ "f": { "nope": {} } })] {
        let answer = world.ask(document, variables).await;
        assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
    let answer = world.ask("query($id: ID!) { customer(id: $id) { id } }", json!({})).await;
    assert!(answer["refused"][0]["message"].as_str().unwrap().contains("$id"), "{answer}");
}

#[tokio::test]
async fn errors_of_fields_have_paths_and_leave_siblings() {
    let world = World::new().await;
    let answer = world
        .ask(
            r#"{ a: customers(first: 201) { totalCount } b: me { language } c: customers(after: "x") { totalCount } }"#,
            json!({}),
        )
        .await;
    assert_eq!(answer["data"]["a"], Json::Null);
    assert_eq!(answer["data"]["b"]["language"], "en");
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer["errors"][1]["extensions"]["code"], "BAD_CURSOR");
    let answer =
        world.ask(r#"mutation { createCustomer(data: { email: "no", birthDate: "32" }) { id } }"#, json!({})).await;
    let fields = &answer["errors"][0]["extensions"]["fields"];
    assert_eq!(answer["errors"][0]["extensions"]["code"], "VALIDATION_FAILED", "{answer}");
    assert!(fields.as_array().unwrap().iter().any(|issue| issue["field"] == "birthDate"), "{fields}");
}

#[tokio::test]
async fn sizes_of_pages_are_bounded_everywhere() {
    let mut world = World::new().await;
    world.data(r#"mutation { createCustomer(data: { companyName: "A" }) { id } }"#).await;
    for size in ["-1", "1001"] {
        for document in [
            "{ list: customers(first: SIZE) { nodes { id } } }",
            "{ list: customers(first: 1) { nodes { history(first: SIZE) { nodes { kind } } } } }",
            "{ list: customersAggregate(groupBy: [{ city: VALUE }], first: SIZE) { groups { count } } }",
            "{ list: changes(first: SIZE) { lastSeq } }",
            "{ list: runs(first: SIZE) { id } }",
        ] {
            let answer = world.ask(&document.replace("SIZE", size), json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{document} {answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(size), "{answer}");
        }
    }
    world.endpoint = world.endpoint_with(Budget { points: 1_500, per_second: 1 });
    world.data("{ changes(first: 1000) { lastSeq } }").await;
    let answer = world.ask("{ changes(first: 1000) { lastSeq } }", json!({})).await;
    assert_eq!(code(&answer), "RATE_LIMITED", "every entry has its price");
}

#[tokio::test]
async fn what_costs_too_much_is_refused() {
    let world = World::new().await;
    let document = "{ customers(first: 200) { nodes { interactions(first: 200) { nodes { id } } } } }";
    let answer = world.ask(document, json!({})).await;
    assert_eq!(code(&answer), "COST_EXCEEDED", "{answer}");
    assert_eq!(answer["refused"][0]["extensions"]["limit"], 25_000);
}

#[tokio::test]
async fn switches_choose_fields() {
    let world = World::new().await;
    let document = "query($a: Boolean!, $b: Boolean = false) { me { language @include(if: $a) ...f @skip(if: $b) } } fragment f on Viewer { actor { kind } language }";
    let data = world.data_with(document, json!({ "a": true })).await;
    assert_eq!(data["me"].as_object().unwrap().keys().collect::<Vec<_>>(), ["language", "actor"]);
    let data = world.data_with(document, json!({ "a": false })).await;
    assert_eq!(data["me"].as_object().unwrap().keys().collect::<Vec<_>>(), ["actor", "language"]);
    let data = world.data_with(document, json!({ "a": false, "b": true })).await;
    assert_eq!(data, json!({ "me": {} }));
}
