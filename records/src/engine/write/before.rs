//! Records as they are before they change, locked in the order of their ids so that writers never wait in a circle.

use std::collections::HashMap;

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::{Dialect, error::Result};

use crate::{
    catalog::{Field, FieldId, Object},
    columns::stored,
    engine::{decode, write::WriteTransaction},
    sql::{List, Sql},
    values::Value,
};

/// A record as it is.
pub(crate) struct Before {
    pub version: i64,
    pub archived: bool,
    pub values: Vec<(FieldId, Value)>,
}

/// Why rows are locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Their values change; links to them may still be made.
    Change,
    /// They go; nobody may link to them meanwhile.
    Remove,
}

/// Reads and locks records; those that are not there are missing from the answer. Links kept in tables of their own are
/// left out.
pub(crate) async fn lock(
    write: &WriteTransaction<'_>,
    object: &Object,
    ids: &[RecordId],
    fields: &[&Field],
    lock: Lock,
) -> Result<HashMap<RecordId, Before>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let tx = &write.tx;
    let fields: Vec<&Field> = fields.iter().copied().filter(|field| stored(&field.kind).is_some()).collect();
    let mut sql = Sql::new(tx.dialect());
    sql.push(r#"SELECT "id", "version", "archived_at""#);
    let cells = decode::select(&mut sql, fields.iter().copied())?;
    let cells = cells.in_currency(write.ctx.db.settings().currency);
    sql.push(" FROM ").table(&object.table).push(r#" AS t0 WHERE "id""#);
    sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
    if tx.dialect() == Dialect::Postgres {
        let strength = if lock == Lock::Remove { "UPDATE" } else { "NO KEY UPDATE" };
        sql.push(r#" ORDER BY "id" FOR "#).push(strength);
    }
    let (text, binds) = sql.into_parts();
    let mut found = HashMap::with_capacity(ids.len());
    for row in tx.query_all_raw(tx.statement(text, binds)).await? {
        let archived = row.try_get_by_index::<Option<i64>>(2)?.is_some();
        let id = RecordId(row.try_get_by_index(0)?);
        let (values, _) = decode::cells(&row, 3, &cells, id)?;
        let values = fields.iter().map(|field| field.id).zip(values).collect();
        found.insert(id, Before { version: row.try_get_by_index(1)?, archived, values });
    }
    Ok(found)
}
