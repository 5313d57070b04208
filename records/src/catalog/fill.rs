//! Values for rows that were there before their field: its default, or the total that it keeps.
//!
//! As with totals at any time, neither version nor history of the records changes; the catalog's version tells.

use sea_orm::{ConnectionTrait, Value as Sql};
use tenants::{
    Dialect, TenantDb, TenantTx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Catalog, Field, FieldId, FieldKind, Object, ddl, rollups};
use crate::values::{self, Locale, Value};

/// The records after a given one, in the order of their ids, at most `limit`; locked, where that is needed.
pub(super) async fn next_ids(tx: &TenantTx, object: &Object, after: Option<Uuid>, limit: u64) -> Result<Vec<Uuid>> {
    let lock = match tx.dialect() {
        Dialect::Postgres => " FOR UPDATE",
        Dialect::Sqlite => "",
    };
    let (condition, values) = match after {
        Some(id) => (r#"WHERE "id" > $1"#, vec![Sql::from(id)]),
        None => ("", Vec::new()),
    };
    let table = &object.table;
    let sql = format!(r#"SELECT "id" FROM "tenant"."{table}" {condition} ORDER BY "id" LIMIT {limit}{lock}"#);
    let rows = tx.query_all_raw(tx.statement(sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Fills a field of these records, whose rows are locked.
pub(super) async fn fill(db: &TenantDb, tx: &TenantTx, catalog: &Catalog, id: FieldId, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let field = catalog.field(id).ok_or_else(|| Error::internal("a field to be filled is gone"))?;
    let statements = match &field.kind {
        FieldKind::Rollup(_) => {
            let source = rollups::source(catalog, id).ok_or_else(|| rollups::broken(field))?;
            source.refill(ids, "", Vec::new())
        }
        _ => default(db, catalog, field, ids)?,
    };
    for (sql, values) in statements {
        tx.execute_raw(tx.statement(sql, values)).await?;
    }
    Ok(())
}

/// Gives the default to those of the records that have no value.
fn default(db: &TenantDb, catalog: &Catalog, field: &Field, ids: &[Uuid]) -> Result<Vec<(String, Vec<Sql>)>> {
    let Some(json) = &field.default else { return Ok(Vec::new()) };
    let object = catalog.object_by_id(field.object).ok_or_else(|| Error::internal("an object is gone"))?;
    let locale = Locale::of(db.settings(), Default::default());
    let value = values::from_json(field, json, &locale)
        .map_err(|issue| Error::internal(format!("the default of `{}`: {}", field.name, issue.message("en"))))?;
    let mut bound = cells(db.dialect(), field, &value)?;
    let columns = ddl::columns(db.dialect(), field);
    let sets: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!(r#""{}" = CAST(${} AS {})"#, column.name, i + 1, column.cast()))
        .collect();
    let listed: Vec<String> = (1..=ids.len()).map(|i| format!("${}", columns.len() + i)).collect();
    bound.extend(ids.iter().map(|id| Sql::from(*id)));
    let sql = format!(
        r#"UPDATE "tenant"."{}" SET {} WHERE "id" IN ({}) AND "{}" IS NULL"#,
        object.table,
        sets.join(", "),
        listed.join(", "),
        field.column
    );
    Ok(vec![(sql, bound)])
}

/// What the columns of a field hold for a value, in the order of [`ddl::columns`].
fn cells(dialect: Dialect, field: &Field, value: &Value) -> Result<Vec<Sql>> {
    let mut cells = match value {
        Value::Bool(flag) => vec![Sql::from(*flag)],
        Value::Int(number) => vec![Sql::from(*number)],
        Value::Text(text) => vec![Sql::from(text.as_str())],
        Value::Contact(contact) => vec![Sql::from(contact.shown())],
        Value::List(words) => match dialect {
            Dialect::Postgres => vec![Sql::from(words.clone())],
            Dialect::Sqlite => vec![Sql::from(super::store::write(words)?)],
        },
        Value::Money(money) => {
            vec![Sql::from(money.amount), Sql::from(values::money::code(&money.currency)), Sql::from(money.base)]
        }
        Value::Null | Value::Id(_) | Value::Ids(_) => return Err(Error::internal("no value for a default")),
    };
    if values::has_key(&field.kind) {
        cells.push(Sql::from(values::key(field, value)));
    }
    Ok(cells)
}
