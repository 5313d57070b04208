//! Hostile documents: how long it takes to refuse them.

use serde_json::json;

use crate::{
    bench::Bench,
    load::{self, Connection},
    report::Report,
};

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (mut app, tenant) = bench.tenant().await;
    let address = app.server().address();
    let spread = |n: usize| format!("fragment f{n} on Query {{ ...f{next} ...f{next} }} ", next = n + 1);
    let doubling: String = (0..30).map(spread).collect();
    let attacks = [
        ("30 doubling fragments", format!("{{ ...f0 }} {doubling} fragment f30 on Query {{ __typename }}")),
        ("10 000 aliases", format!("{{ {} }}", (0..10_000).map(|n| format!("a{n}: __typename ")).collect::<String>())),
        ("50 000 braces", "{a".repeat(50_000)),
        ("5 000 directives", format!("{{ __typename {} }}", "@include(if: true) ".repeat(5_000))),
    ];
    for (name, query) in attacks {
        let request = load::post(address, "/graphql", tenant.api_key.token(), &json!({ "query": query }).to_string());
        let mut slowest = 0.0_f64;
        for _ in 0..5 {
            let mut connection = Connection::open(address).await;
            let asked = std::time::Instant::now();
            let status = connection.ask(&request).await;
            slowest = slowest.max(asked.elapsed().as_secs_f64() * 1000.0);
            let body = String::from_utf8_lossy(connection.body()).into_owned();
            assert!(status == 200 || (400..500).contains(&status), "{name}: {status} {body:.200}");
            assert!(body.contains("\"errors\""), "{name} was not refused: {body:.200}");
        }
        let measured = (format!("{slowest:.1} ms (slowest of 5)"), String::new());
        report.line(format!("refusing {name}"), bench.name(), measured, "< 20 ms", Some(slowest < 20.0));
    }
}
