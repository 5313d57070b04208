//! Work to be done after a commit. The item stands in the tenant's space and commits with the rows that ask for it;
//! a ticket in the control plane, armed before that commit, says that this tenant has something waiting.

mod job;
mod tickets;

use entities::{ids::WorkId, tenant::work};
pub use job::{Job, Pace, Queue, Retry};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, EntityTrait, TransactionSession,
    sea_query::{Expr, ExprTrait, OnConflict},
};
pub use tickets::Tickets;

use crate::{
    db::{Dialect, TenantDb, TenantTx, classify},
    error::{Code, Error, Result},
    keys::of_row,
};

/// What payloads are sealed for.
pub(crate) const SEALED: &str = "work";

/// A job to be done.
#[derive(Clone, Debug)]
pub struct NewWork {
    queue: &'static str,
    payload: serde_json::Value,
    due: i64,
    key: Option<String>,
    subject: String,
}

impl NewWork {
    /// A job that is due at an instant, microseconds UTC.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn of<J: Job>(job: &J, due: i64) -> Result<Self> {
        Ok(Self {
            queue: J::QUEUE.name,
            payload: serde_json::to_value(job).map_err(Error::internal)?,
            due,
            key: job.key(),
            subject: job.subject(),
        })
    }
}

/// Adds work to a transaction. Call [`Tickets::wake`] after its commit to have it done at once. If a job with its key
/// waits already, that one is done by the instant that this one was due.
///
/// # Errors
/// When a database does not answer.
pub async fn enqueue(db: &TenantDb, tx: &TenantTx, item: NewWork, now: i64) -> Result<()> {
    let id = WorkId::new();
    let row = work::ActiveModel {
        id: Set(id),
        queue: Set(item.queue.to_owned()),
        payload: Set(sealed(db, id, &item.payload)?),
        due: Set(item.due),
        key: Set(item.key),
        taken: Set(false),
        epoch: Set(0),
        attempts: Set(0),
        error: Set(None),
        failed_at: Set(None),
        by_hand: Set(false),
        subject: Set(item.subject),
        cron: Set(None),
        time_zone: Set(None),
        created_at: Set(now),
    };
    work::Entity::insert(row).on_conflict(earlier(item.due)).exec_without_returning(tx).await?;
    arm(db, tx, item.queue, item.due, now).await
}

/// A job with the same key waits: the earlier instant counts.
fn earlier(due: i64) -> OnConflict {
    let own = || Expr::col((work::Entity, work::Column::Due));
    let waits = Expr::col(work::Column::Key).is_not_null().and(Expr::col(work::Column::FailedAt).is_null());
    OnConflict::columns([work::Column::Queue, work::Column::Key])
        .target_and_where(waits.and(Expr::col(work::Column::Taken).not()))
        .value(work::Column::Due, Expr::case(own().lt(due), own()).finally(due))
        .to_owned()
}

/// Says that a queue has work due at an instant. Call it in the transaction that writes the work, after writing it.
///
/// # Errors
/// When the control plane does not answer.
pub async fn arm(db: &TenantDb, _written: &TenantTx, queue: &str, due: i64, now: i64) -> Result<()> {
    db.tickets().arm(db.tenant(), queue, due, now).await
}

/// Shuts the table of work: until the transaction ends nobody adds any, and everything that was added is committed and
/// seen. `None` while somebody is just adding some.
///
/// # Errors
/// When the database does not answer.
pub async fn shut(db: &TenantDb) -> Result<Option<TenantTx>> {
    // on SQLite the only writer is enough
    let tx = db.begin_write().await?;
    if tx.dialect() == Dialect::Postgres
        && let Err(error) = tx.execute_unprepared(r#"LOCK TABLE "tenant"."work" IN SHARE MODE NOWAIT"#).await
    {
        tx.rollback().await?;
        return if classify(&error) == Code::Busy { Ok(None) } else { Err(error.into()) };
    }
    Ok(Some(tx))
}

/// Seals a payload for its row.
///
/// # Errors
/// If it cannot be sealed.
pub fn sealed(db: &TenantDb, id: WorkId, payload: &serde_json::Value) -> Result<Vec<u8>> {
    let clear = serde_json::to_vec(payload).map_err(Error::internal)?;
    db.key().seal(&of_row(SEALED, id), &clear)
}

/// What [`enqueue`] was given, of a row.
///
/// # Errors
/// When the row was sealed for another tenant or damaged.
pub async fn payload(db: &TenantDb, row: &work::Model) -> Result<serde_json::Value> {
    let clear = db.unseal(&of_row(SEALED, row.id), &row.payload).await?;
    let clear = clear.ok_or_else(|| Error::internal("a work item cannot be unsealed"))?;
    serde_json::from_slice(&clear).map_err(Error::internal)
}
