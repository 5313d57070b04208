//! Long trials (`make soak`): what must not happen even once, tried for longer than CI can wait, on SQLite and on PostgreSQL.
//! The table goes into `docs/benchmarks.md`.
//!
//! `SOAK_PART=0.1` shrinks every amount for a quick look; `SOAK_ONLY=import` runs the trials whose name begins so. Only a
//! whole run writes the page.

mod trials;

use std::{fmt::Write, fs, time::Instant};

use tests::{TestApp, workspace};

/// Where a trial runs.
pub struct Place {
    postgres: Option<String>,
}

impl Place {
    fn name(&self) -> &'static str {
        if self.postgres.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// A process that serves fresh data.
    pub async fn spawn(&self) -> TestApp {
        // what is killed often says so often
        TestApp::spawn_on(self.postgres.clone(), &[("CLIENTELE_LOG", "error")]).await
    }
}

/// An amount, as large as this run wants it.
pub fn amount(full: usize) -> usize {
    ((full as f64 * part()) as usize).max(1)
}

fn part() -> f64 {
    std::env::var("SOAK_PART").ok().and_then(|part| part.parse().ok()).unwrap_or(1.0)
}

fn main() {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(soak());
}

async fn soak() {
    let only = std::env::var("SOAK_ONLY").ok();
    let mut table = "| trial | on | what came of it | took |\n|---|---|---|---|\n".to_owned();
    let places = std::iter::once(None).chain(tests::postgres().map(Some));
    for place in places.map(|postgres| Place { postgres }) {
        for (name, run) in trials::all() {
            if only.as_ref().is_some_and(|only| !name.starts_with(only.as_str())) {
                continue;
            }
            eprintln!("{name} on {}", place.name());
            let started = Instant::now();
            let outcome = run(&place).await;
            let seconds = started.elapsed().as_secs();
            eprintln!("  {outcome} ({seconds} s)");
            writeln!(table, "| {name} | {} | {outcome} | {seconds} s |", place.name()).expect("memory");
        }
    }
    println!("{table}");
    if only.is_none() && part() >= 1.0 {
        keep(&table);
    }
}

/// Puts the table into `docs/benchmarks.md`, between its marks.
fn keep(table: &str) {
    const MARKS: [&str; 2] = ["<!-- soaked -->\n", "<!-- /soaked -->"];
    let path = workspace::file("docs/benchmarks.md");
    let page = fs::read_to_string(&path).expect("docs/benchmarks.md");
    let (before, rest) = page.split_once(MARKS[0]).expect("a mark before the table");
    let (_, after) = rest.split_once(MARKS[1]).expect("a mark after the table");
    fs::write(path, [before, MARKS[0], table, MARKS[1], after].concat()).expect("docs/benchmarks.md is written");
}
