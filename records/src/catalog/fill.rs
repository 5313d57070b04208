//! Values for rows that are older than their field: its default, its number, or its rollup.
//!
//! Versions and history of the records do not change, as with rollups at any time; only the catalog's version changes.

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::{
    Clock, Dialect, TenantDb, TenantTx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Catalog, Field, FieldId, FieldKind, Object, rollups};
use crate::{
    columns::Stored,
    engine::{columns, take_numbers},
    filter::Scope,
    sql::{List, Sql},
    values::{self, Locale},
};

/// The records after a given one, in the order of their ids, at most `limit`; locked on request.
pub(super) async fn next_ids(tx: &TenantTx, object: &Object, after: Option<Uuid>, limit: i64) -> Result<Vec<Uuid>> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT id FROM ").table(&object.table);
    if let Some(id) = after {
        sql.push(" WHERE id > ").bind(id);
    }
    sql.push(" ORDER BY id LIMIT ").number(limit);
    if tx.dialect() == Dialect::Postgres {
        sql.push(" FOR UPDATE");
    }
    let (text, bound) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, bound)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Locks records against writers until the transaction ends.
pub(super) async fn lock(tx: &TenantTx, object: &Object, ids: &[Uuid]) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT id FROM ").table(&object.table).push(" WHERE id").one_of(List::Ids(ids.to_vec()));
        sql.push(" ORDER BY id FOR UPDATE");
        let (text, bound) = sql.into_parts();
        tx.query_all_raw(tx.statement(text, bound)).await?;
    }
    Ok(())
}

/// Fills a field of these records, whose rows are locked.
pub(super) async fn fill(db: &TenantDb, tx: &TenantTx, catalog: &Catalog, id: FieldId, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let field = catalog.field(id).ok_or_else(|| Error::internal("a field to fill does not exist any more"))?;
    let object =
        catalog.object_by_id(field.object).ok_or_else(|| Error::internal("an object does not exist any more"))?;
    let statements = match &field.kind {
        FieldKind::Rollup(_) => {
            let source = rollups::source(catalog, id).ok_or_else(|| rollups::broken(field))?;
            source.refill(tx.dialect(), ids, &source.condition(tx.dialect(), scope(db, catalog))?)
        }
        FieldKind::AutoNumber { prefix, width } => {
            let width = usize::from(*width);
            let first = take_numbers(tx, id, ids.len() as i64).await?;
            let texts = (first..).map(|number| format!("{prefix}{number:0width$}"));
            let one =
                |(id, text): (&Uuid, String)| assign(tx.dialect(), object, field, &values::Value::Text(text), &[*id]);
            ids.iter().zip(texts).map(one).collect::<Result<_>>()?
        }
        _ => match &field.default {
            Some(json) => vec![assign(tx.dialect(), object, field, &default(db, catalog, field, json)?, ids)?],
            None => Vec::new(),
        },
    };
    for sql in statements {
        let (text, bound) = sql.into_parts();
        tx.execute_raw(tx.statement(text, bound)).await?;
    }
    Ok(())
}

/// The clock for filters of rollups. They cannot use "now", but parsing needs one.
pub(super) fn scope<'a>(db: &TenantDb, catalog: &'a Catalog) -> Scope<'a> {
    Scope { catalog, now: Clock::system().micros(), zone: db.settings().time_zone, asker: None }
}

fn default(db: &TenantDb, catalog: &Catalog, field: &Field, json: &serde_json::Value) -> Result<values::Value> {
    let locale = Locale::of(db.settings(), catalog.rates.clone());
    values::from_json(field, json, &locale)
        .map_err(|issue| Error::internal(format!("the default of `{}`: {}", field.name, issue.message("en"))))
}

/// Gives a value to the records that have none.
fn assign(dialect: Dialect, object: &Object, field: &Field, value: &values::Value, ids: &[Uuid]) -> Result<Sql> {
    let mut bound = Vec::new();
    // one value for many records: encrypted values differ per record, and such fields have no default
    if field.encryption.is_some() {
        return Err(Error::internal(format!("field {} is encrypted and cannot be filled", field.id)));
    }
    columns::bind(dialect, field, RecordId(Uuid::nil()), value, &mut bound)?;
    let mut sql = Sql::new(dialect);
    sql.push("UPDATE ").table(&object.table).push(" SET ");
    for (i, (column, value)) in columns::of(field).iter().zip(bound).enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).name(&column.name).push(" = ").bind(value);
        if column.sql == Stored::List && dialect == Dialect::Postgres {
            sql.push("::text[]");
        }
    }
    sql.push(" WHERE id").one_of(List::Ids(ids.to_vec())).push(" AND ").name(&field.column).push(" IS NULL");
    Ok(sql)
}
