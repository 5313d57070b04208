//! A large file: how fast it is imported with mapping, validation, duplicate check and history, and in how much memory.

use std::{process::Stdio, time::Instant};

use crate::{
    bare::Layout,
    bench::{Bench, amount},
    people, process,
    report::{Report, percent},
};

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (app, tenant) = bench.tenant().await;
    people::tier(&tenant).await;
    let rows = amount(1_000_000);
    let file = people::file(&app.scratch(""), rows);
    let mut command = app.program().command(["import", "--tenant", "acme", "--object", "customer", "--file"]);
    let started = Instant::now();
    let importing = command.arg(&file).stdout(Stdio::null()).spawn().expect("the program");
    let (ended, memory) = process::most_memory(importing).await;
    assert!(ended.success(), "the import failed");
    let rate = rows as f64 / started.elapsed().as_secs_f64();

    let what = format!("CSV import of {rows} rows");
    if bench.is_postgres() {
        let copied = copy(&app.database_url().expect("PostgreSQL")).await;
        let ratio = rate / copied;
        let beside = format!("bare COPY {copied:.0} rows/s: {}", percent(ratio));
        report.line(what, bench.name(), (format!("{rate:.0} rows/s"), beside), "≥ 30 % of COPY", Some(ratio >= 0.3));
    } else {
        let measured = (format!("{rate:.0} rows/s"), String::new());
        report.line(what, bench.name(), measured, "≥ 20 000 rows/s", Some(rate >= 20_000.0));
    }
    let most = (format!("{memory:.0} MB"), String::new());
    report.line("most memory of that import", bench.name(), most, "< 200 MB", Some(memory < 200.0));
}

/// Rows per second of COPY into a table with the same columns and indexes.
async fn copy(url: &str) -> f64 {
    let layout = Layout::read(url, "acme").await;
    let (table, schema) = (&layout.table, &layout.schema);
    layout.execute(&format!("CREATE TABLE {schema}.copied (LIKE {schema}.{table} INCLUDING ALL)")).await;
    let bytes = layout.copy_out(&format!("COPY {schema}.{table} TO STDOUT (FORMAT binary)")).await;
    let started = Instant::now();
    let rows = layout.copy_in(&format!("COPY {schema}.copied FROM STDIN (FORMAT binary)"), &bytes).await;
    rows as f64 / started.elapsed().as_secs_f64()
}
