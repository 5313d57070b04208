//! The table of targets and measured figures.

use std::{fmt::Write, fs};

use tests::workspace;

use crate::bench::part;

#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

struct Line {
    what: String,
    backend: &'static str,
    measured: String,
    beside: String,
    promise: &'static str,
    kept: Option<bool>,
}

impl Report {
    /// A line: what was measured, the comparison in the same run, and whether the target is met (`None` if there is
    /// none for this backend).
    pub fn line(
        &mut self,
        what: impl Into<String>,
        backend: &'static str,
        (measured, beside): (String, String),
        promise: &'static str,
        kept: Option<bool>,
    ) {
        let line = Line { what: what.into(), backend, measured, beside, promise, kept };
        eprintln!("  {} | {} | {} | {promise} | {kept:?}", line.what, line.measured, line.beside);
        self.lines.push(line);
    }

    pub fn markdown(&self) -> String {
        let mut page = "| what | on | measured | beside it | promise | kept |\n|---|---|---|---|---|---|\n".to_owned();
        for line in &self.lines {
            let kept = line.kept.map_or("", |kept| if kept { "yes" } else { "**no**" });
            let Line { what, backend, measured, beside, promise, .. } = line;
            writeln!(page, "| {what} | {backend} | {measured} | {beside} | {promise} | {kept} |").expect("memory");
        }
        page
    }

    /// Puts the table of a full run into `docs/benchmarks.md`, between its marks.
    pub fn keep(&self) {
        const MARKS: [&str; 2] = ["<!-- measured -->\n", "<!-- /measured -->"];
        if part() < 1.0 || std::env::var_os("BENCH_ONLY").is_some() {
            return;
        }
        let path = workspace::file("docs/benchmarks.md");
        let page = fs::read_to_string(&path).expect("docs/benchmarks.md");
        let (before, rest) = page.split_once(MARKS[0]).expect("a mark before the table");
        let (_, after) = rest.split_once(MARKS[1]).expect("a mark after the table");
        let page = [before, MARKS[0], &self.markdown(), MARKS[1], after].concat();
        fs::write(path, page).expect("docs/benchmarks.md is written");
    }
}

/// A ratio in percent.
pub fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}
