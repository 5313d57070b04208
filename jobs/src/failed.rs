//! Work that was given up: people list it, have it tried again or discard it.

use entities::{
    control::system_jobs,
    ids::{SystemJobId, WorkId},
    tenant::work,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionSession,
};
use tenants::{
    Caller, Permission, Registry, TenantDb,
    error::{Code, Error, Result},
    security_log::{self, Event, Kind},
    work as items,
};

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJob {
    /// Its id.
    pub id: String,
    /// The queue that it waited in.
    pub queue: String,
    /// Failures in a row.
    pub attempts: i32,
    /// Code and message of the last failure.
    pub error: String,
    /// When it was given up, microseconds UTC.
    pub failed_at: i64,
    /// Microseconds UTC.
    pub created_at: i64,
    /// What it is about: ids, no personal data.
    pub subject: String,
}

/// Given-up jobs of an organisation, the newest first: `first` of them after `after`.
///
/// # Errors
/// `FORBIDDEN`; `BAD_CURSOR` if `after` is not such a job.
pub async fn list(db: &TenantDb, caller: &Caller, first: u64, after: Option<WorkId>) -> Result<Vec<FailedJob>> {
    caller.demand(Permission::ManageJobs)?;
    let mut query = work::Entity::find()
        .filter(work::Column::FailedAt.is_not_null())
        .order_by_desc(work::Column::FailedAt)
        .order_by_desc(work::Column::Id)
        .limit(first);
    if let Some(after) = after {
        let row = work::Entity::find_by_id(after).one(db).await?;
        let at = row.and_then(|row| row.failed_at).ok_or_else(|| Error::of(Code::BadCursor))?;
        let same = Condition::all().add(work::Column::FailedAt.eq(at)).add(work::Column::Id.lt(after));
        query = query.filter(Condition::any().add(work::Column::FailedAt.lt(at)).add(same));
    }
    let told = |row: work::Model| FailedJob {
        id: row.id.to_string(),
        queue: row.queue,
        attempts: row.attempts,
        error: row.error.unwrap_or_default(),
        failed_at: row.failed_at.unwrap_or_default(),
        created_at: row.created_at,
        subject: row.subject,
    };
    Ok(query.all(db).await?.into_iter().map(told).collect())
}

/// Has a job tried again that was given up.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` if there is no such job, or it is tried already.
pub async fn retry(db: &TenantDb, caller: &Caller, id: WorkId) -> Result<()> {
    caller.demand(Permission::ManageJobs)?;
    let now = caller.clock.micros();
    let tx = db.begin_write().await?;
    let row = failed(&tx, id).await?;
    let again = work::ActiveModel {
        failed_at: Set(None),
        attempts: Set(0),
        due: Set(now),
        by_hand: Set(true),
        // its key may belong to another job by now
        taken: Set(true),
        ..Default::default()
    };
    work::Entity::update_many().set(again).filter(work::Column::Id.eq(id)).exec(&tx).await?;
    ended(db, caller, tx, Kind::JobRetried, row).await
}

/// Discards a job that was given up: what it was to do stays undone.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` if there is no such job, or it is tried again.
pub async fn discard(db: &TenantDb, caller: &Caller, id: WorkId) -> Result<()> {
    caller.demand(Permission::ManageJobs)?;
    let tx = db.begin_write().await?;
    let row = failed(&tx, id).await?;
    work::Entity::delete_by_id(id).exec(&tx).await?;
    ended(db, caller, tx, Kind::JobDiscarded, row).await
}

async fn failed(tx: &tenants::TenantTx, id: WorkId) -> Result<work::Model> {
    let given_up = work::Entity::find_by_id(id).filter(work::Column::FailedAt.is_not_null());
    // of two who ask at once, the second finds nothing
    given_up.lock_exclusive().one(tx).await?.ok_or_else(not_found)
}

async fn ended(db: &TenantDb, caller: &Caller, tx: tenants::TenantTx, kind: Kind, row: work::Model) -> Result<()> {
    let now = caller.clock.micros();
    let event = Event::of(caller, kind).with("job", row.id.to_string()).with("queue", row.queue.as_str());
    security_log::note(&tx, event.with("subject", row.subject), now).await?;
    // a turn does the job, and counts anew
    items::arm(db, &tx, &row.queue, now, now).await?;
    tx.commit().await?;
    db.tickets().wake();
    Ok(())
}

/// Given-up jobs of the installation itself, the newest first.
///
/// # Errors
/// When the control plane does not answer.
pub async fn list_system_jobs(registry: &Registry, first: u64) -> Result<Vec<FailedJob>> {
    let query = system_jobs::Entity::find()
        .filter(system_jobs::Column::FailedAt.is_not_null())
        .order_by_desc(system_jobs::Column::FailedAt)
        .limit(first);
    let told = |row: system_jobs::Model| FailedJob {
        id: row.id.to_string(),
        queue: row.queue,
        attempts: row.attempts,
        error: row.error.unwrap_or_default(),
        failed_at: row.failed_at.unwrap_or_default(),
        created_at: row.created_at,
        subject: String::new(),
    };
    Ok(query.all(registry.control().read()).await?.into_iter().map(told).collect())
}

/// Has a job of the installation itself tried again that was given up.
///
/// # Errors
/// `NOT_FOUND` if there is no such job, or it is tried already.
pub async fn retry_system_job(registry: &Registry, id: SystemJobId) -> Result<()> {
    let again = system_jobs::ActiveModel {
        failed_at: Set(None),
        attempts: Set(0),
        due: Set(registry.clock().micros()),
        ..Default::default()
    };
    let update = system_jobs::Entity::update_many()
        .set(again)
        .filter(system_jobs::Column::Id.eq(id))
        .filter(system_jobs::Column::FailedAt.is_not_null());
    if update.exec(registry.control().write()).await?.rows_affected == 0 {
        return Err(not_found());
    }
    registry.tickets().wake();
    Ok(())
}

/// What is kept of an error for people to see: nothing that is meant for the log alone.
pub(crate) fn reason(error: &Error) -> String {
    format!("{}: {}", error.code().name(), error.message())
}

fn not_found() -> Error {
    Error::new(Code::NotFound, "There is no such failed job.")
}
