//! Deletes old entries. Each organisation decides how long it keeps its log; a job does the
//! work and then waits for the next entry to expire.

use entities::{
    control,
    tenant::{security, security_log},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionSession,
};
use serde::{Deserialize, Serialize};

use crate::{
    db::TenantDb,
    error::{Error, FieldIssue, Issue, Result},
    work::{Job, NewWork, Queue, enqueue},
};

/// Old entries are to be deleted; a worker calls [`sweep`].
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepLog {}

impl Job for SweepLog {
    const QUEUE: Queue = Queue::long("security-log");

    fn key(&self) -> Option<String> {
        Some("sweep".to_owned())
    }
}

/// Microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// The allowed numbers of days.
const DAYS: std::ops::RangeInclusive<i64> = 7..=3_650;

/// Days for which entries about people without organisation are kept.
const CONTROL_DAYS: i64 = 365;

/// Makes sure that the log will be swept, on the day its oldest entry expires.
///
/// # Errors
/// When a database does not answer.
pub async fn begin(db: &TenantDb, now: i64) -> Result<()> {
    let days = keep_days(db).await?;
    later(db, now + days * DAY, now).await
}

/// How long the log is kept.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_days(db: &TenantDb) -> Result<i64> {
    let row = security::Entity::find_by_id(1_i16).one(db).await?;
    row.map(|row| row.log_days).ok_or_else(|| Error::internal("the space has no row of security settings"))
}

/// Sets how long the log is kept, and sweeps it at once.
///
/// # Errors
/// `VALIDATION_FAILED` for a number of days that is not allowed.
pub async fn set_keep_days(db: &TenantDb, days: i64, now: i64) -> Result<()> {
    if !DAYS.contains(&days) {
        let issue = Issue::WrongType(format!("{} to {} days", DAYS.start(), DAYS.end()).into());
        return Err(Error::invalid(vec![FieldIssue { field: "logDays".to_owned(), issue }]));
    }
    let changed = security::ActiveModel { log_days: Set(days), ..Default::default() };
    security::Entity::update_many().set(changed).filter(security::Column::Id.eq(1)).exec(db).await?;
    later(db, now, now).await?;
    db.tickets().wake();
    Ok(())
}

/// Deletes expired entries, and returns when the oldest remaining one expires.
///
/// # Errors
/// When a database does not answer.
pub async fn sweep(db: &TenantDb, now: i64) -> Result<i64> {
    let keep = keep_days(db).await? * DAY;
    let old = security_log::Column::LastAt.lt(now - keep);
    security_log::Entity::delete_many().filter(old).exec(db).await?;
    let oldest: Option<i64> = security_log::Entity::find()
        .select_only()
        .column(security_log::Column::LastAt)
        .order_by_asc(security_log::Column::LastAt)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok((oldest.unwrap_or(now) + keep).max(now + DAY))
}

async fn later(db: &TenantDb, due: i64, now: i64) -> Result<()> {
    let tx = db.begin_write().await?;
    enqueue(db, &tx, NewWork::of(&SweepLog {}, due)?, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes old entries about people without organisation.
///
/// # Errors
/// When the control plane does not answer.
pub async fn sweep_control(control: &impl ConnectionTrait, now: i64) -> Result<()> {
    use control::security_log as log;
    log::Entity::delete_many().filter(log::Column::LastAt.lt(now - CONTROL_DAYS * DAY)).exec(control).await?;
    Ok(())
}
