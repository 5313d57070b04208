//! Connections that wait for news and get none: what they cost the server.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::json;
use tests::{Client, Socket, Tenant};

use crate::{
    bench::{Bench, amount},
    process,
    report::Report,
};

const ORGANISATIONS: usize = 20;
const SOCKETS: usize = 1_000;
/// Connections that are opened at the same time.
const AT_ONCE: usize = 8;
/// How long the server is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(60);

pub async fn measure(bench: &Bench, report: &mut Report) {
    let mut app = bench.app().await;
    let tenants: Vec<Tenant> = (0..ORGANISATIONS).map(|n| app.tenant(&format!("org-{n}"))).collect();
    let each = amount(SOCKETS / ORGANISATIONS);
    let mut people: Vec<Client> = Vec::new();
    for tenant in &tenants {
        for n in 0..each {
            let query = "mutation ($name: String!) { createApiKey(input: { name: $name }) { key } }";
            let made = tenant.data(query, json!({ "name": format!("key {n}") })).await;
            people.push(tenant.api_key.with_token(made["createApiKey"]["key"].as_str().expect("a key")));
        }
    }
    let follow = "subscription { customerChanged { kind id } }";
    let opening = people.iter().cloned().map(|person| async move { Socket::following(&person, follow).await });
    let mut sockets: Vec<Socket> = stream::iter(opening).buffered(AT_ONCE).collect().await;
    let process = app.server().id();
    let (before, began) = (process::cpu(process), std::time::Instant::now());
    tokio::time::sleep(IDLE).await;
    let share = (process::cpu(process) - before) / began.elapsed().as_secs_f64();
    tenants[0].create("customer", json!({ "companyName": "News" })).await;
    for socket in &mut sockets[..each] {
        assert_eq!(socket.next().await["payload"]["data"]["customerChanged"]["kind"], "CREATED");
    }
    let what = format!("{} idle connections in {ORGANISATIONS} organisations", sockets.len());
    let figures = (format!("{:.2} % of a core", share * 100.0), format!("{} keys", people.len()));
    report.line(what, bench.name(), figures, "< 1 % of a core", Some(share < 0.01));
}
