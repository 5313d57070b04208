//! Old lines go: each organisation says how long it keeps its log, and work that renews itself sweeps it.

use entities::{
    control,
    tenant::{security, security_log},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionSession,
};
use serde_json::json;

use crate::{
    db::TenantDb,
    error::{Error, FieldIssue, Issue, Result},
    work::{NewWork, enqueue},
};

/// The queue of the sweep.
pub const QUEUE: &str = "security-log";

/// Microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// Days for which a log may be kept.
const DAYS: std::ops::RangeInclusive<i64> = 7..=3_650;

/// Days for which the lines of people without organisation are kept.
const CONTROL_DAYS: i64 = 365;

/// Sees to it that the log of a space will be swept, from the day on which its first line grows old.
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
    row.map(|row| row.log_days).ok_or_else(|| Error::internal("the space has no security settings"))
}

/// Says how long the log is kept, and has it swept by that at once.
///
/// # Errors
/// `VALIDATION_FAILED` for a number of days that is not taken.
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

/// Removes what is older than the organisation wants, and comes back when the oldest line left will be.
///
/// # Errors
/// When a database does not answer.
pub async fn sweep(db: &TenantDb, now: i64) -> Result<()> {
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
    later(db, (oldest.unwrap_or(now) + keep).max(now + DAY), now).await
}

/// Of several sweeps on one day, one is done: after a change of the settings they fall together again.
async fn later(db: &TenantDb, due: i64, now: i64) -> Result<()> {
    let tx = db.begin_write().await?;
    let item = NewWork { queue: QUEUE, payload: json!({}), due, key: Some(format!("sweep {}", due / DAY)) };
    enqueue(db, &tx, item, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes old lines about people without organisation.
///
/// # Errors
/// When the control plane does not answer.
pub async fn sweep_control(control: &impl ConnectionTrait, now: i64) -> Result<()> {
    use control::security_log as log;
    log::Entity::delete_many().filter(log::Column::LastAt.lt(now - CONTROL_DAYS * DAY)).exec(control).await?;
    Ok(())
}
