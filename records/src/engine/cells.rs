//! One field of many records, read and written without the write pipeline: for work on columns that does not change
//! records.

use entities::ids::RecordId;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use tenants::{Dialect, TenantTx, error::Result};
use uuid::Uuid;

use super::{
    columns,
    decode::{self, Reading},
    read::ALIAS,
    rows,
};
use crate::{
    catalog::{Field, Object},
    columns::Stored,
    sql::{List, Sql},
    values::Value,
};

/// The value of a field in one record.
pub(crate) struct Cell {
    pub id: Uuid,
    pub archived: bool,
    pub value: Value,
}

/// The values of the records after a given one, in the order of their ids, including archived ones.
pub(crate) async fn after(
    db: &impl ConnectionTrait,
    dialect: Dialect,
    object: &Object,
    field: &Field,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Cell>> {
    let (mut sql, stored) = begun(dialect, object, field)?;
    if let Some(id) = after {
        sql.push(" WHERE id > ").bind(id);
    }
    sql.push(" ORDER BY id LIMIT ").number(limit);
    read(db, sql, &stored).await
}

/// The values of these records.
pub(crate) async fn of(tx: &TenantTx, object: &Object, field: &Field, ids: &[Uuid]) -> Result<Vec<Cell>> {
    let (mut sql, stored) = begun(tx.dialect(), object, field)?;
    sql.push(" WHERE id").one_of(List::Ids(ids.to_vec()));
    read(tx, sql, &stored).await
}

fn begun(dialect: Dialect, object: &Object, field: &Field) -> Result<(Sql, Reading)> {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT id, archived_at");
    let stored = decode::select(&mut sql, std::iter::once(field))?;
    sql.push(" FROM ").table(&object.table).push(" AS ").push(ALIAS);
    Ok((sql, stored))
}

async fn read(db: &impl ConnectionTrait, sql: Sql, reading: &Reading) -> Result<Vec<Cell>> {
    let (text, bound) = sql.into_parts();
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), text, bound)).await?;
    let cell = |row: &sea_orm::QueryResult| {
        let archived = row.try_get_by_index::<Option<i64>>(1)?.is_some();
        let id = row.try_get_by_index(0)?;
        let value = decode::cells(row, 2, reading, RecordId(id))?.0.pop().unwrap_or(Value::Null);
        Ok(Cell { id, archived, value })
    };
    rows.iter().map(cell).collect()
}

/// Writes values into the field's columns. Version and history of the records do not change.
///
/// # Errors
/// A violation if another record has a value that must be unique; the transaction cannot be used any more then.
pub(crate) async fn put(tx: &TenantTx, object: &Object, field: &Field, cells: &[(Uuid, Value)]) -> Result<(), DbErr> {
    let mut written = vec![columns::Column::new("id", Stored::Id)];
    written.extend(columns::of(field));
    let mut values = Vec::with_capacity(cells.len() * written.len());
    for (id, value) in cells {
        values.push((*id).into());
        columns::bind(tx.dialect(), field, RecordId(*id), value, &mut values)
            .map_err(|error| DbErr::Custom(error.log_line()))?;
    }
    rows::update(tx, &object.table, &written, values, None).await
}
