//! Many rows in few statements: arrays that PostgreSQL unnests, blocks of VALUES on SQLite.
//!
//! A failed insert makes its transaction unusable. On SQLite the words `OR FAIL` say so: then it need not keep a copy
//! of every page to take the statement back alone.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tenants::{Dialect, TenantTx};
use uuid::Uuid;

use super::columns::{Column, quote};
use crate::columns::Stored;

/// Rows of one statement on SQLite. There are only a few sizes, so that its statement cache knows them all.
const BLOCKS: [usize; 5] = [256, 64, 16, 4, 1];
/// From how many rows on it pays to run a statement in the background.
const MANY: usize = 64;
/// Less than SQLite's limit of bound values.
const MOST_BINDS: usize = 30_000;

/// Inserts rows; values are given row after row.
pub(crate) async fn insert(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: Vec<sea_orm::Value>,
) -> Result<(), DbErr> {
    insert_or(tx, table, columns, values, "").await
}

/// Inserts rows that are not there; values are given row after row.
pub(crate) async fn insert_missing(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: Vec<sea_orm::Value>,
) -> Result<(), DbErr> {
    insert_or(tx, table, columns, values, " ON CONFLICT DO NOTHING").await
}

/// `otherwise` says what is done with a row that is there.
async fn insert_or(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: Vec<sea_orm::Value>,
    otherwise: &str,
) -> Result<(), DbErr> {
    match tx.dialect() {
        Dialect::Sqlite => {
            let names = columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
            let verb = if otherwise.is_empty() { "INSERT OR FAIL" } else { "INSERT" };
            blocks(tx, columns.len(), values, Vec::new(), |rows| {
                let tuples = tuples(rows, columns.len());
                format!(r#"{verb} INTO "tenant"."{table}" ({names}) VALUES {tuples}{otherwise}"#)
            })
            .await
        }
        Dialect::Postgres if values.is_empty() => Ok(()),
        Dialect::Postgres => unnest_into(tx, table, columns, &values, otherwise).await,
    }
}

/// Deletes the rows that have these values in these columns, given row after row.
pub(crate) async fn delete(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: Vec<sea_orm::Value>,
) -> Result<(), DbErr> {
    match tx.dialect() {
        Dialect::Sqlite => {
            let names = columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
            blocks(tx, columns.len(), values, Vec::new(), |rows| {
                let tuples = tuples(rows, columns.len());
                format!(r#"DELETE FROM "tenant"."{table}" WHERE ({names}) IN (VALUES {tuples})"#)
            })
            .await
        }
        Dialect::Postgres if values.is_empty() => Ok(()),
        Dialect::Postgres => {
            let every: Vec<usize> = (0..columns.len()).collect();
            let same: Vec<String> = every.iter().map(|i| format!("o.{} = d.c{i}", quoted(&columns[*i]))).collect();
            let (source, same) = (unnest(columns, &every, 0), same.join(" AND "));
            let sql = format!(r#"DELETE FROM "tenant"."{table}" AS o USING {source} WHERE {same}"#);
            let binds = arrays(columns.len(), &every, &values);
            tx.execute_raw(tx.statement(sql, binds)).await.map(drop)
        }
    }
}

/// A value that all rows share is sent once, the others as arrays.
async fn unnest_into(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: &[sea_orm::Value],
    otherwise: &str,
) -> Result<(), DbErr> {
    let shared = shared(columns.len(), values);
    let common: Vec<usize> = (0..columns.len()).filter(|i| shared[*i]).collect();
    let own: Vec<usize> = (0..columns.len()).filter(|i| !shared[*i]).collect();
    let names: Vec<String> = common.iter().chain(&own).map(|i| quoted(&columns[*i])).collect();
    let fixed = (1..).zip(&common).map(|(n, i)| scalar(n, &columns[*i]));
    let selected: Vec<String> = fixed.chain(own.iter().map(|i| unnested(columns, *i))).collect();
    let source = unnest(columns, &own, common.len());
    let (names, selected) = (names.join(", "), selected.join(", "));
    let sql = format!(r#"INSERT INTO "tenant"."{table}" ({names}) SELECT {selected} FROM {source}{otherwise}"#);
    let binds = common.iter().map(|i| text(&values[*i])).chain(arrays(columns.len(), &own, values)).collect();
    send(tx, tx.statement(sql, binds), values.len() / columns.len()).await
}

fn quoted(column: &Column) -> String {
    format!("\"{}\"", column.name)
}

/// Which columns have the same value in all of many rows; for few rows it is not worth the search.
fn shared(width: usize, values: &[sea_orm::Value]) -> Vec<bool> {
    let mut rows = values.chunks_exact(width);
    if rows.len() < MANY {
        return vec![false; width];
    }
    let first = rows.next().unwrap_or_default();
    let mut shared = vec![true; width];
    for row in rows {
        for (column, shared) in shared.iter_mut().enumerate() {
            *shared = *shared && row[column] == first[column];
        }
    }
    // rows must differ in something
    if shared.iter().all(|shared| *shared) { vec![false; width] } else { shared }
}

/// Runs a statement. With many rows it runs in the background, so that the next one can be prepared meanwhile.
async fn send(tx: &TenantTx, statement: Statement, rows: usize) -> Result<(), DbErr> {
    if rows < MANY { tx.execute_raw(statement).await.map(drop) } else { tx.send(statement).await }
}

/// Who changed rows, and when.
pub(crate) struct Touch<'a> {
    /// Microseconds UTC.
    pub at: i64,
    /// As [`tenants::Actor::stored`] writes it.
    pub by: &'a str,
}

/// Updates rows by `id`, which is the first of `columns`. A touch raises their version.
pub(crate) async fn update(
    tx: &TenantTx,
    table: &str,
    columns: &[Column],
    values: Vec<sea_orm::Value>,
    touch: Option<Touch<'_>>,
) -> Result<(), DbErr> {
    let constants: Vec<sea_orm::Value> = touch.iter().flat_map(|touch| [touch.at.into(), touch.by.into()]).collect();
    let set = |source: &dyn Fn(usize) -> String, at: &str, by: &str| {
        let mut set: Vec<String> =
            columns.iter().enumerate().skip(1).map(|(i, c)| format!("\"{}\" = {}", c.name, source(i))).collect();
        if touch.is_some() {
            let text = format!(r#""version" = o."version" + 1, "updated_at" = {at}, "updated_by" = {by}"#);
            set.insert(0, text);
        }
        set.join(", ")
    };
    match tx.dialect() {
        Dialect::Sqlite => {
            let set = set(&|i| format!("d.column{}", i + 1), "?", "?");
            blocks(tx, columns.len(), values, constants, |rows| {
                let tuples = tuples(rows, columns.len());
                format!(
                    r#"UPDATE "tenant"."{table}" AS o SET {set} FROM (VALUES {tuples}) AS d WHERE o."id" = d.column1"#
                )
            })
            .await
        }
        Dialect::Postgres if values.is_empty() => Ok(()),
        Dialect::Postgres => {
            let set = set(&|i| unnested(columns, i), "$1", "$2");
            let every: Vec<usize> = (0..columns.len()).collect();
            let source = unnest(columns, &every, constants.len());
            let sql = format!(r#"UPDATE "tenant"."{table}" AS o SET {set} FROM {source} WHERE o."id" = d.c0"#);
            let mut binds = constants;
            binds.extend(arrays(columns.len(), &every, &values));
            tx.execute_raw(tx.statement(sql, binds)).await.map(drop)
        }
    }
}

/// Splits values into blocks of rows and runs a statement for each. The constants come first.
async fn blocks(
    tx: &TenantTx,
    width: usize,
    values: Vec<sea_orm::Value>,
    constants: Vec<sea_orm::Value>,
    sql: impl Fn(usize) -> String,
) -> Result<(), DbErr> {
    let mut left = values.len() / width.max(1);
    let mut values = values.into_iter();
    for size in BLOCKS {
        if size > 1 && size * width + constants.len() > MOST_BINDS {
            continue;
        }
        let text = (left >= size).then(|| sql(size));
        while let Some(text) = text.as_ref().filter(|_| left >= size) {
            let mut binds = constants.clone();
            binds.extend(values.by_ref().take(size * width));
            send(tx, tx.statement(text, binds), size).await?;
            left -= size;
        }
    }
    Ok(())
}

/// `(?, ?), (?, ?)`: bare placeholders, since SQLite looks for named ones in a list.
fn tuples(rows: usize, width: usize) -> String {
    let tuple = vec!["?"; width].join(", ");
    vec![format!("({tuple})"); rows].join(", ")
}

/// A value for all rows, as text: the driver's own nulls have their own types.
fn scalar(n: usize, column: &Column) -> String {
    match column.sql {
        Stored::List => format!("${n}::text::text[]"),
        sql => format!("${n}::text::{}", element(sql)),
    }
}

fn text(value: &sea_orm::Value) -> sea_orm::Value {
    sea_orm::Value::String(match value {
        sea_orm::Value::Uuid(Some(id)) => Some(id.to_string()),
        sea_orm::Value::BigInt(Some(number)) => Some(number.to_string()),
        sea_orm::Value::Bool(Some(flag)) => Some(flag.to_string()),
        sea_orm::Value::String(text) => text.clone(),
        _ => None,
    })
}

/// `unnest($1::text::uuid[], …) AS d(c0, …)` of the columns at these positions; the first placeholder comes after
/// `skip` others.
fn unnest(columns: &[Column], places: &[usize], skip: usize) -> String {
    let array = |(n, place): (usize, &usize)| format!("${n}::text::{}[]", element(columns[*place].sql));
    let arrays: Vec<String> = (skip + 1..).zip(places).map(array).collect();
    let names: Vec<String> = places.iter().map(|place| format!("c{place}")).collect();
    format!("unnest({}) AS d({})", arrays.join(", "), names.join(", "))
}

fn unnested(columns: &[Column], i: usize) -> String {
    match columns[i].sql {
        Stored::List => format!("d.c{i}::text[]"),
        _ => format!("d.c{i}"),
    }
}

fn element(sql: Stored) -> &'static str {
    match sql {
        Stored::Id => "uuid",
        Stored::Int | Stored::Money => "bigint",
        Stored::Text | Stored::List => "text",
        Stored::Bool => "boolean",
    }
}

/// The values of the columns at these positions, each column as one array literal: the driver's arrays cannot hold
/// nulls.
fn arrays(width: usize, places: &[usize], values: &[sea_orm::Value]) -> Vec<sea_orm::Value> {
    let literal = |column: &usize| {
        let mut out = String::with_capacity(values.len() / width.max(1) * 16 + 2);
        out.push('{');
        for (i, row) in values.chunks_exact(width).enumerate() {
            if i > 0 {
                out.push(',');
            }
            element_of(&row[*column], &mut out);
        }
        out.push('}');
        sea_orm::Value::String(Some(out))
    };
    places.iter().map(literal).collect()
}

fn element_of(value: &sea_orm::Value, out: &mut String) {
    match value {
        sea_orm::Value::Uuid(Some(id)) => out.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        sea_orm::Value::BigInt(Some(number)) => {
            let _ = write!(out, "{number}");
        }
        sea_orm::Value::Bool(Some(flag)) => out.push(if *flag { 't' } else { 'f' }),
        sea_orm::Value::String(Some(text)) => quote(text, out),
        _ => out.push_str("NULL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_literals_keep_nulls_and_quotes() {
        let values = vec![
            sea_orm::Value::from("say \"hi\", \\o"),
            sea_orm::Value::from(1_i64),
            sea_orm::Value::String(None),
            sea_orm::Value::BigInt(None),
        ];
        let arrays = arrays(2, &[0, 1], &values);
        assert_eq!(arrays[0], sea_orm::Value::from(r#"{"say \"hi\", \\o",NULL}"#));
        assert_eq!(arrays[1], sea_orm::Value::from("{1,NULL}"));
    }

    #[test]
    fn what_many_rows_share_is_found() {
        let rows = |n: i64| (0..n).flat_map(|i| [sea_orm::Value::from(7_i64), i.into(), sea_orm::Value::String(None)]);
        assert_eq!(shared(3, &rows(200).collect::<Vec<_>>()), [true, false, true]);
        assert_eq!(shared(3, &rows(2).collect::<Vec<_>>()), [false; 3], "not of few");
        let same: Vec<_> = std::iter::repeat_n(sea_orm::Value::from(7_i64), 400).collect();
        assert_eq!(shared(2, &same), [false; 2], "something is each row's own");
    }

    #[test]
    fn tuples_are_bare() {
        assert_eq!(tuples(2, 2), "(?, ?), (?, ?)");
    }
}
