//! Orders with lines: how fast lines are imported while rollups over rollups are kept.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use serde_json::json;
use tests::{Tenant, TestApp};

use crate::{
    bench::{Bench, amount},
    people,
    report::Report,
};

/// Lines of an order; as in most exports, they stand together.
const LINES: usize = 4;

pub async fn measure(bench: &Bench, report: &mut Report) {
    let (app, tenant) = bench.tenant().await;
    objects(&tenant).await;
    let (customers, orders) = (amount(5_000), amount(50_000));
    people::import(&app, customers);
    let placed = file(&app.scratch(""), "orders", "name,number,customer", orders, |n| {
        format!("Order {n},O{n},x{}", n * 7 % customers)
    });
    import(&app, "sale", &placed);
    let lines = file(&app.scratch(""), "lines", "name,total,sale", orders * LINES, |n| {
        format!("Line {n},{}.{:02},O{}", n % 90 + 1, n % 100, n / LINES)
    });
    let started = Instant::now();
    import(&app, "line", &lines);
    let rate = (orders * LINES) as f64 / started.elapsed().as_secs_f64();
    let what = format!("import of {} order lines, five rollups on two levels", orders * LINES);
    let measured = (format!("{rate:.0} rows/s"), String::new());
    report.line(what, bench.name(), measured, "≥ 10 000 rows/s", Some(rate >= 10_000.0));
}

/// Lines belong to orders, which know their amount; customers know what their orders come to.
async fn objects(tenant: &Tenant) {
    for name in ["sale", "line"] {
        tenant.object(name).await;
    }
    tenant.field(json!({ "object": "sale", "name": "number", "type": "TEXT", "unique": true })).await;
    tenant.field(json!({ "object": "line", "name": "total", "type": "MONEY" })).await;
    tenant.belongs_to("sale", "customer", "sales", "SET_NULL").await;
    tenant.belongs_to("line", "sale", "lines", "CASCADE").await;
    for (object, name, relation, function, field) in [
        ("sale", "amount", "lines", "SUM", Some("total")),
        ("sale", "linesCount", "lines", "COUNT", None),
        ("customer", "salesCount", "sales", "COUNT", None),
        ("customer", "spent", "sales", "SUM", Some("amount")),
        ("customer", "basket", "sales", "AVG", Some("amount")),
    ] {
        let rollup = json!({ "relation": relation, "function": function, "field": field });
        tenant.field(json!({ "object": object, "name": name, "type": "ROLLUP", "rollup": rollup })).await;
    }
}

fn file(folder: &Path, name: &str, header: &str, rows: usize, row: impl Fn(usize) -> String) -> PathBuf {
    let path = folder.join(format!("{name}.csv"));
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    writeln!(out, "{header}").expect("disk");
    for n in 0..rows {
        writeln!(out, "{}", row(n)).expect("disk");
    }
    out.flush().expect("disk");
    path
}

fn import(app: &TestApp, object: &str, file: &Path) {
    let mut command = app.program().command(["import", "--tenant", "acme", "--object", object, "--file"]);
    let ended = command.arg(file).stdout(Stdio::null()).status().expect("the program");
    assert!(ended.success(), "the import of {object} failed");
}
