//! Decodes rows into values by column index, straight from the driver's row: a page has hundreds of cells, and a null
//! must not cost an error.

use entities::ids::{FieldId, RecordId};
use sea_orm::{QueryResult, sqlx};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};
use tenants::{
    error::{Error, Result},
    keys::DataKeys,
};
use uuid::Uuid;

use crate::{
    catalog::{Field, FieldKind},
    columns::{self, Stored, kind_of_values},
    sealing,
    sql::Sql,
    values::{Money, Value},
};

use super::read::ALIAS;

/// The columns of a statement: how each field is stored, and which of them must be unsealed.
pub(super) struct Reading {
    stored: Vec<Stored>,
    sealed: Vec<Sealed>,
    /// Rollups of money, which are stored as numbers.
    money: Vec<usize>,
    base: Option<[u8; 3]>,
}

impl Reading {
    /// Shows rollups of money as money in the base currency.
    pub fn in_currency(self, base: [u8; 3]) -> Self {
        Self { base: Some(base), ..self }
    }
}

struct Sealed {
    place: usize,
    field: FieldId,
    keys: DataKeys,
}

/// Adds the columns of fields to a statement, and returns what they hold.
///
/// # Errors
/// If a field has no column: to-many links are not read this way.
pub(super) fn select<'f>(sql: &mut Sql, fields: impl Iterator<Item = &'f Field>) -> Result<Reading> {
    let stored = Vec::with_capacity(fields.size_hint().0);
    let mut reading = Reading { stored, sealed: Vec::new(), money: Vec::new(), base: None };
    for field in fields {
        let stored = columns::stored_of(field);
        let stored = stored.ok_or_else(|| Error::internal(format!("field {} has no column to select", field.id)))?;
        sql.push(", ").column(ALIAS, &field.column);
        if stored == Stored::Money {
            sql.push(", ").column(ALIAS, &format!("{}_c", field.column));
            sql.push(", ").column(ALIAS, &format!("{}_b", field.column));
        }
        if field.encryption.is_some() {
            let keys = field.keys.clone();
            let keys = keys.ok_or_else(|| Error::internal(format!("field {} has no keys to unseal it", field.id)))?;
            reading.sealed.push(Sealed { place: reading.stored.len(), field: field.id, keys });
        }
        if stored == Stored::Int && *kind_of_values(&field.kind) == FieldKind::Money {
            reading.money.push(reading.stored.len());
        }
        reading.stored.push(stored);
    }
    Ok(reading)
}

/// Values of a record, from column `at` of its row on; also returns the next column.
///
/// # Errors
/// `STALE_CATALOG` if a value is sealed with a key that is newer than the catalog.
pub(super) fn cells(row: &QueryResult, at: usize, reading: &Reading, record: RecordId) -> Result<(Vec<Value>, usize)> {
    let (mut values, next) = plain(row, at, &reading.stored)?;
    for place in &reading.money {
        if let (Value::Int(amount), Some(currency)) = (&values[*place], reading.base) {
            values[*place] = Value::Money(Money { amount: *amount, currency, base: *amount });
        }
    }
    for Sealed { place, field, keys } in &reading.sealed {
        if let Value::Text(sealed) = &values[*place] {
            values[*place] = sealing::open(keys, *field, record, sealed)?;
        }
    }
    Ok((values, next))
}

/// The stored values from column `at` on; also returns the next column.
pub(super) fn plain(row: &QueryResult, at: usize, stored: &[Stored]) -> Result<(Vec<Value>, usize)> {
    let mut at = at;
    let mut out = Vec::with_capacity(stored.len());
    if let Some(row) = row.try_as_pg_row() {
        for kind in stored {
            out.push(
                match kind {
                    Stored::List => {
                        row.try_get::<Option<Vec<String>>, _>(at).map(|list| list.map_or(Value::Null, Value::List))
                    }
                    kind => cell(row, at, *kind),
                }
                .map_err(Error::internal)?,
            );
            at += width(*kind);
        }
    } else if let Some(row) = row.try_as_sqlite_row() {
        for kind in stored {
            out.push(match kind {
                Stored::List => list(row.try_get::<Option<&str>, _>(at).map_err(Error::internal)?)?,
                kind => cell(row, at, *kind).map_err(Error::internal)?,
            });
            at += width(*kind);
        }
    }
    Ok((out, at))
}

/// A record id.
pub(super) fn id(row: &QueryResult, at: usize) -> Result<Uuid> {
    Ok(row.try_get_by_index(at)?)
}

fn width(stored: Stored) -> usize {
    if stored == Stored::Money { 3 } else { 1 }
}

fn cell<R: Row>(row: &R, at: usize, stored: Stored) -> Result<Value, sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(match stored {
        Stored::Int => get(row, at)?.map_or(Value::Null, Value::Int),
        Stored::Text | Stored::List => get(row, at)?.map_or(Value::Null, Value::Text),
        Stored::Bool => get(row, at)?.map_or(Value::Null, Value::Bool),
        Stored::Id => get(row, at)?.map_or(Value::Null, Value::Id),
        Stored::Money => match (get::<i64, R>(row, at)?, get::<String, R>(row, at + 1)?, get::<i64, R>(row, at + 2)?) {
            (Some(amount), Some(currency), Some(base)) => match currency.as_bytes().first_chunk() {
                Some(code) => Value::Money(Money { amount, currency: *code, base }),
                None => Value::Null,
            },
            _ => Value::Null,
        },
    })
}

fn get<'r, T, R: Row>(row: &'r R, at: usize) -> Result<Option<T>, sqlx::Error>
where
    usize: ColumnIndex<R>,
    T: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    row.try_get::<Option<T>, usize>(at)
}

/// SQLite stores lists as JSON.
fn list(text: Option<&str>) -> Result<Value> {
    match text {
        Some(text) => serde_json::from_str(text).map(Value::List).map_err(Error::internal),
        None => Ok(Value::Null),
    }
}
