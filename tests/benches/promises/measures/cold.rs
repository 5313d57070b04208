//! Many organisations registered, few of them at work: the first request of a cold one, and what the server keeps.

use std::time::Instant;

use futures::{StreamExt, stream};
use serde_json::json;
use tests::{Client, TestApp};

use crate::{
    process,
    report::Report,
    stand::{Stand, amount},
};

const TOUCHED: usize = 200;
/// People who sign up at the same time.
const AT_ONCE: usize = 4;

pub async fn measure(stand: &Stand, report: &mut Report) {
    let mut app = stand.app().await;
    let registered = if stand.is_postgres() { amount(1_000) } else { amount(10_000) };
    let signing = (0..registered).map(|n| sign_up(&app, n));
    let tokens: Vec<String> = stream::iter(signing).buffered(AT_ONCE).collect().await;
    let step = (registered / TOUCHED).max(1);
    let people: Vec<Client> = tokens.iter().step_by(step).take(TOUCHED).map(|token| app.with_token(token)).collect();
    app.server().kill();
    app.server().launch().await;
    let mut times = Vec::new();
    for person in &people {
        let asked = Instant::now();
        person.data("{ customers(first: 1) { nodes { id } } }", json!({})).await;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    let slow = times[times.len() * 99 / 100].as_secs_f64() * 1000.0;
    let median = times[times.len() / 2].as_secs_f64() * 1000.0;
    let first = (format!("{median:.0} ms, p99 {slow:.0} ms"), format!("{registered} registered"));
    report.line("first request of a cold organisation", stand.name(), first, "< 50 ms", Some(slow < 50.0));
    let memory = process::memory(app.server().id());
    let kept = (format!("{memory:.0} MB"), format!("{} touched of {registered}", times.len()));
    report.line("memory with many organisations", stand.name(), kept, "< 1 GB", Some(memory < 1024.0));
}

async fn sign_up(app: &TestApp, n: usize) -> String {
    let signed = app.sign_up(&format!("o{n}@example.com"), "a long enough passphrase", &format!("org-{n}")).await;
    signed["accessToken"].as_str().expect("a token").to_owned()
}
