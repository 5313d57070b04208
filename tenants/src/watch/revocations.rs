//! The revocation counter of the control plane. Whatever ends a session, or changes the state of an organisation, raises
//! it in its own transaction and writes whom it concerns. What changes in a tenant's space raises the tenant's clock
//! instead (`access::changed`).

use entities::control::{revocations, signals};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    control::Control,
    error::{Error, Result},
};

const COUNTER: &str = "revocations";
/// Most revocations that are told one by one; after more, everybody is checked.
const MOST: i64 = 1_000;
/// How long a revocation is kept for processes that were held up, microseconds. Whoever missed one checks everybody.
const KEPT: i64 = 10 * 60 * 1_000_000;

/// Part of a transaction that ends sessions of a person, or changes the state of a tenant: every process will check
/// their connections again. The counter's row is locked until the commit, so this comes last.
///
/// # Errors
/// If the control plane does not answer.
pub(crate) async fn revoked(tx: &DatabaseTransaction, subject: Uuid, now: i64) -> Result<()> {
    signals::Entity::update_many()
        .col_expr(signals::Column::Value, Expr::col(signals::Column::Value).add(1))
        .filter(signals::Column::Name.eq(COUNTER))
        .exec(tx)
        .await?;
    let sql = "INSERT INTO revocations (value, subject, at) SELECT value, $1, $2 FROM signals WHERE name = $3";
    let values = [subject.into(), now.into(), COUNTER.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    revocations::Entity::delete_many().filter(revocations::Column::At.lt(now - KEPT)).exec(tx).await?;
    Ok(())
}

/// Where the counter stands.
pub(super) async fn position(control: &Control) -> Result<i64> {
    let row = signals::Entity::find_by_id(COUNTER).one(control.read()).await?;
    Ok(row.ok_or_else(|| Error::internal("there is no counter of revocations"))?.value)
}

/// Whom the revocations after a position concern, and the new position. Nothing stands for everybody: there were too
/// many, or some are no longer kept.
pub(super) async fn since(control: &Control, position: i64) -> Result<(i64, Vec<Option<Uuid>>)> {
    let sql = "SELECT s.value, r.subject FROM signals AS s LEFT JOIN revocations AS r ON r.value > $1 \
               WHERE s.name = $2 LIMIT $3";
    let db = control.read();
    let values = [position.into(), COUNTER.into(), (MOST + 1).into()];
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let first = rows.first().ok_or_else(|| Error::internal("there is no counter of revocations"))?;
    let now: i64 = first.try_get_by_index(0)?;
    let mut subjects = Vec::new();
    for row in &rows {
        subjects.extend(row.try_get_by_index::<Option<Uuid>>(1)?.map(Some));
    }
    if subjects.len() as i64 != now - position || now - position > MOST {
        subjects = vec![None];
    }
    Ok((now, subjects))
}
