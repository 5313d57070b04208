//! Time from start to ready, and the memory of an idle server.

use std::time::Instant;

use crate::{bench::Bench, process, report::Report};

pub async fn measure(bench: &Bench, report: &mut Report) {
    let mut app = bench.app().await;
    let mut times = Vec::new();
    for _ in 0..5 {
        app.server().kill();
        let started = Instant::now();
        app.server().launch().await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let median = times[2];
    let idle = process::memory(app.server().id());
    let ready = (format!("{} ms", median.as_millis()), String::new());
    report.line("start to ready", bench.name(), ready, "< 500 ms", Some(median.as_millis() < 500));
    report.line("idle memory", bench.name(), (format!("{idle:.0} MB"), String::new()), "< 80 MB", Some(idle < 80.0));
}
