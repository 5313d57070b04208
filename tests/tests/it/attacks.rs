//! Hostile documents and bodies: each is refused with a clear code, and the server answers the next request as before.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, TestApp};

/// Far above the target of 20 ms, which the benchmark measures, and far below what an exploding document takes.
const PROMPT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn documents_made_to_explode_are_refused_at_once() {
    let app = TestApp::start().await;
    let client = app.tenant("acme").api_key;
    let attacks = [
        ("doubling fragments", doubling_fragments(30)),
        ("doubling fragments, deeper", doubling_fragments(200)),
        ("a fragment that spreads itself", "{ ...a } fragment a on Query { ...a }".to_owned()),
        ("aliases", format!("{{ {} }}", (0..10_000).map(|n| format!("a{n}: __typename ")).collect::<String>())),
        ("braces", "{a".repeat(50_000)),
        ("closed braces", "{a".repeat(50_000) + &"}".repeat(50_000)),
        ("lists in lists", format!("{{ customer(id: {}1{}) {{ id }} }}", "[".repeat(50_000), "]".repeat(50_000))),
        ("directives", format!("{{ __typename {} }}", "@include(if: true) ".repeat(5_000))),
        ("unknown directives", format!("{{ __typename {} }}", "@aaa ".repeat(20_000))),
        ("repeated fields", format!("{{ {} }}", "customers { nodes { id } } ".repeat(10_000))),
        ("nested links", nested_links(40)),
        ("deep introspection", deep_introspection(20)),
        ("multiplied lists", multiplied_lists()),
    ];
    for (name, query) in attacks {
        let answer = client.graphql(&query, json!({})).await;
        refused(
            name,
            &answer,
            &["TOO_COMPLEX", "COST_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "PAYLOAD_TOO_LARGE"],
        );
        still_answers(&client).await;
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let app = TestApp::start().await;
    let client = app.tenant("acme").api_key;
    let ask = json!({ "query": "{ __typename }" });
    let post = || client.request(Method::POST, "/graphql");

    let megabyte =
        json!({ "query": "query ($v: ID!) { customer(id: $v) { id } }", "variables": { "v": "x".repeat(1 << 20) } });
    refused("variables of a megabyte", &Answer::of(post().json(&megabyte)).await, &["PAYLOAD_TOO_LARGE"]);
    let huge = json!({ "query": " ".repeat(10 << 20) });
    refused("a body of 10 MB", &Answer::of(post().json(&huge)).await, &["PAYLOAD_TOO_LARGE"]);
    let batch = Value::Array(vec![ask.clone(); 1_000]);
    refused("a batch", &Answer::of(post().json(&batch)).await, &["BAD_REQUEST"]);
    let deep = format!("{{\"query\":\"{{__typename}}\",\"variables\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = post().header("content-type", "application/json").body(deep);
    refused("nested JSON", &Answer::of(deep).await, &["BAD_REQUEST", "PAYLOAD_TOO_LARGE"]);
    let text = post().header("content-type", "text/plain").body(ask.to_string());
    let answer = Answer::of(text).await;
    refused("text/plain", &answer, &["UNSUPPORTED_MEDIA_TYPE"]);
    assert_eq!(answer.status, 415);
    let form = post().header("content-type", "application/x-www-form-urlencoded").body("query=%7B__typename%7D");
    refused("a form", &Answer::of(form).await, &["UNSUPPORTED_MEDIA_TYPE"]);
    let broken = post().header("content-type", "application/json").body(b"{\"query\":\"{ a\xff }\"}".to_vec());
    refused("broken UTF-8", &Answer::of(broken).await, &["BAD_REQUEST"]);
    still_answers(&client).await;
}

#[tokio::test]
async fn a_mutation_over_get_does_nothing() {
    let app = TestApp::start().await;
    let client = app.tenant("acme").api_key;
    let mutation = "/graphql?query=mutation%7BcreateCustomer(data:%7BfirstName:%22Eve%22%7D)%7Bid%7D%7D";
    let answer = Answer::of(client.request(Method::GET, mutation)).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text);
    let left = client.data("{ customers { totalCount } }", json!({})).await;
    assert_eq!(left["customers"]["totalCount"], 0);
}

/// Each fragment spreads the next one twice: 2^n visits for whoever expands them.
fn doubling_fragments(count: usize) -> String {
    let each = |n: usize| format!("fragment f{n} on Query {{ ...f{next} ...f{next} }} ", next = n + 1);
    let chain: String = (0..count).map(each).collect();
    format!("{{ ...f0 }} {chain} fragment f{count} on Query {{ __typename }}")
}

fn nested_links(depth: usize) -> String {
    let open = "organisation { ".repeat(depth);
    format!("{{ customers {{ nodes {{ {open} id {} }} }} }}", "}".repeat(depth))
}

fn deep_introspection(depth: usize) -> String {
    let open = "fields { type { ".repeat(depth);
    format!("{{ __schema {{ types {{ {open} name {} }} }} }}", "} }".repeat(depth))
}

/// Pages of pages: 200 × 200 × 200 records in a few bytes.
fn multiplied_lists() -> String {
    let page = "interactions(first: 200) { nodes { customer { ";
    let open = page.repeat(3);
    format!("{{ customers(first: 200) {{ nodes {{ {open} id {} }} }} }}", "} } }".repeat(3))
}

fn refused(name: &str, answer: &Answer, codes: &[&str]) {
    assert!((400..500).contains(&answer.status) || answer.body["data"].is_null(), "{name}: {}", answer.status);
    assert!(codes.contains(&answer.code().as_str()), "{name}: {} {:.300}", answer.status, answer.text);
    assert!(answer.took < PROMPT, "{name} took {:?}", answer.took);
}

async fn still_answers(client: &Client) {
    let answer = client.graphql("{ customers(first: 1) { nodes { id } } }", json!({})).await;
    answer.data();
    assert!(answer.took < PROMPT, "the server is slow afterwards: {:?}", answer.took);
}
