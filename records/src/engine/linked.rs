//! Reads inside a write transaction, for the rules that decide what may be written and what else must be written with it.

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::{
    TenantDb,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Row, decode, read::ALIAS};
use crate::{
    catalog::{Field, FieldKind, Object},
    sql::{List, Sql},
};

/// The records, including archived ones, whose id or to-one link `by` is one of `targets`, in the order of their ids, as
/// a write transaction sees them (`ctx.db` of [`crate::engine::WriteTransaction::inside`]). The permission was already
/// checked for the write that this belongs to.
///
/// # Errors
/// If a field has no column of its own, or the database does not answer.
pub async fn linked(
    db: &TenantDb,
    object: &Object,
    select: &[&Field],
    by: &Field,
    targets: &[Uuid],
) -> Result<Vec<Row>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    if by.kind != FieldKind::Id && by.relation().is_none() {
        return Err(Error::internal(format!("field {} is not a link to one record", by.id)));
    }
    let mut sql = Sql::new(db.dialect());
    sql.push("SELECT ").column(ALIAS, "id");
    let reading = decode::select(&mut sql, select.iter().copied())?.in_currency(db.settings().currency);
    sql.push(" FROM ").table(&object.table).push(" AS ").push(ALIAS).push(" WHERE ").column(ALIAS, &by.column);
    sql.one_of(List::Ids(targets.to_vec())).push(" ORDER BY ").column(ALIAS, "id");
    let (text, values) = sql.into_parts();
    let mut rows = Vec::new();
    for row in db.query_all_raw(db.statement(text, values)).await? {
        let id = RecordId(decode::id(&row, 0)?);
        let (cells, _) = decode::cells(&row, 1, &reading, id)?;
        rows.push(Row { id, cells, order: Vec::new() });
    }
    Ok(rows)
}
