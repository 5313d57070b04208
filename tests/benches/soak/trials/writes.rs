//! Many clients write, and their server is killed: what was acknowledged is there, and nothing is there twice.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Tenant};

use super::pause;
use crate::{Place, amount};

const CREATE: &str = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }";
const CLIENTS: usize = 50;

pub async fn trial(place: &Place) -> String {
    let kills = amount(30);
    let mut app = place.spawn().await;
    let tenant = app.tenant("acme");
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..kills {
        let writing = tokio::spawn(write(tenant.api_key.clone(), round, acknowledged.clone()));
        pause(300).await;
        app.server().kill();
        writing.await.expect("the writers end");
        app.server().launch().await;
    }
    let (ids, externals) = stored(&tenant).await;
    let acknowledged = acknowledged.lock().expect("no writer panicked").clone();
    let lost = acknowledged.iter().filter(|id| !ids.contains(*id)).count();
    assert_eq!(lost, 0, "of {} acknowledged writes", acknowledged.len());
    assert_eq!(externals, ids.len(), "a write was doubled");
    format!("{} writes acknowledged, {kills} kills: none lost, none doubled", acknowledged.len())
}

/// Writes until the server is gone.
async fn write(client: Client, round: usize, acknowledged: Arc<Mutex<Vec<String>>>) {
    let writes = stream::iter(0..).map(|number: usize| {
        let data = json!({ "firstName": "Person", "externalId": format!("{round}-{number}") });
        let request = client.request(Method::POST, "/graphql");
        request.json(&json!({ "query": CREATE, "variables": { "data": data } })).send()
    });
    let mut answers = writes.buffer_unordered(CLIENTS);
    while let Some(answer) = answers.next().await {
        let Ok(answer) = answer else { break };
        let Ok(body) = answer.json::<Value>().await else { break };
        let Some(id) = body["data"]["createCustomer"]["id"].as_str() else { continue };
        acknowledged.lock().expect("no writer panicked").push(id.to_owned());
    }
}

/// The ids that are there, and how many different rows of ours.
async fn stored(tenant: &Tenant) -> (HashSet<String>, usize) {
    let query = "query ($after: String) { customers(first: 200, after: $after) {
        nodes { id externalId } pageInfo { hasNextPage endCursor } } }";
    let (mut ids, mut externals, mut after) = (HashSet::new(), HashSet::new(), Value::Null);
    loop {
        let page = tenant.data(query, json!({ "after": after })).await["customers"].clone();
        for node in page["nodes"].as_array().expect("nodes") {
            ids.insert(node["id"].as_str().expect("an id").to_owned());
            externals.insert(node["externalId"].as_str().expect("ours").to_owned());
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return (ids, externals.len());
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
