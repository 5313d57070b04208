//! Measures the design's performance targets on SQLite and PostgreSQL, and writes `docs/benchmarks.md`.
//!
//! `BENCH_PART=0.01` reduces every amount for a quick look; the page is written only by a run with the full amounts.
//! `BENCH_ONLY=import` runs the measures whose names start with that.

mod bare;
mod bench;
mod load;
mod measures;
mod people;
mod process;
mod report;

use bench::{Backend, Bench};
use report::Report;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("bare") {
        // The bare handler runs as a process of its own, as ours does.
        bare::serve(&arguments.next().expect("settings of the bare handler"));
        return;
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(measure());
}

async fn measure() {
    let mut report = Report::default();
    for backend in Backend::all() {
        let bench = Bench::new(backend);
        for (name, run) in measures::all() {
            if std::env::var("BENCH_ONLY").is_ok_and(|only| !name.starts_with(&only)) {
                continue;
            }
            eprintln!("{} on {}", name, bench.name());
            run(&bench, &mut report).await;
        }
    }
    println!("{}", report.markdown());
    report.keep();
}
