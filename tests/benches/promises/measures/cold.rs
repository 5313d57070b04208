//! Many registered organisations, few of them active: the first request of a cold one, and the server's memory.

use std::time::Instant;

use futures::{StreamExt, stream};
use serde_json::json;
use tests::{Client, Program, TestApp};

use crate::{
    bench::{Bench, amount},
    process,
    report::Report,
};

const TOUCHED: usize = 200;
/// Organisations that are created at the same time.
const AT_ONCE: usize = 4;
const PASSWORD: &str = "a long enough passphrase";

pub async fn measure(bench: &Bench, report: &mut Report) {
    let mut app = bench.app().await;
    let registered = if bench.is_postgres() { amount(1_000) } else { amount(10_000) };
    let founding = (0..registered).map(|n| found(app.program().clone(), n));
    stream::iter(founding).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    let step = (registered / TOUCHED).max(1);
    let mut people: Vec<Client> = Vec::new();
    for n in (0..registered).step_by(step).take(TOUCHED) {
        people.push(app.with_token(&sign_in(&app, n).await));
    }
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
    report.line("first request of a cold organisation", bench.name(), first, "< 50 ms", Some(slow < 50.0));
    let memory = process::memory(app.server().id());
    let kept = (format!("{memory:.0} MB"), format!("{} touched of {registered}", times.len()));
    report.line("memory with many organisations", bench.name(), kept, "< 1 GB", Some(memory < 1024.0));
}

/// An organisation and its owner, created as operators do.
async fn found(program: Program, n: usize) {
    let making = move || {
        let (slug, email) = (format!("org-{n}"), format!("o{n}@example.com"));
        let arguments = ["tenant", "create", "--slug", &slug, "--name", "O", "--owner-email", &email];
        program.with("CLIENTELE_OWNER_PASSWORD", PASSWORD).run(arguments).printed().len()
    };
    tokio::task::spawn_blocking(making).await.expect("an organisation");
}

async fn sign_in(app: &TestApp, n: usize) -> String {
    let query =
        format!("mutation {{ signIn(email: \"o{n}@example.com\", password: \"{PASSWORD}\") {{ accessToken }} }}");
    let signed = app.anonymous().account(&query, json!({})).await.data();
    signed["signIn"]["accessToken"].as_str().expect("a token").to_owned()
}
