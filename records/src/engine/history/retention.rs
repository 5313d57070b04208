//! How long changes are kept: they are the history that people see, the feed that programs follow, and what a run is
//! undone by. A job deletes old ones, whole commits, the oldest first.

use std::collections::HashMap;

use entities::{
    ids::CommitId,
    tenant::{changes, commits, security},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionSession};
use serde::{Deserialize, Serialize};
use tenants::{
    FieldIssue, Issue, TenantDb,
    error::{Error, Result},
    work::{Job, NewWork, Queue, enqueue},
};

/// The allowed numbers of days, beside zero.
const DAYS: std::ops::RangeInclusive<i64> = 30..=3_650;
/// Most commits that are deleted in one transaction.
const COMMITS: u64 = 500;
/// Changes after which no further commit is added to a transaction that deletes.
const CHANGES: i64 = 5_000;
/// Microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// Old changes are to be deleted; a worker calls [`sweep`].
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepChanges {}

impl Job for SweepChanges {
    const QUEUE: Queue = Queue::long("changes");

    fn key(&self) -> Option<String> {
        Some("sweep".to_owned())
    }
}

/// What a sweep left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// More that is old.
    More,
    /// Nothing that is old before this instant, microseconds UTC.
    Until(i64),
    /// Everything is kept for ever.
    Never,
}

/// Days for which changes are kept; zero for ever.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_days(db: &TenantDb) -> Result<i64> {
    let row = security::Entity::find_by_id(1_i16).one(db).await?;
    row.map(|row| row.history_days).ok_or_else(|| Error::internal("the space has no row of security settings"))
}

/// Sets for how many days changes are kept, and deletes older ones in the background.
///
/// # Errors
/// `VALIDATION_FAILED` for a number of days that is not allowed.
pub async fn set_keep_days(db: &TenantDb, days: i64, now: i64) -> Result<()> {
    if days != 0 && !DAYS.contains(&days) {
        let issue = Issue::WrongType(format!("{} to {} days, or 0 for ever", DAYS.start(), DAYS.end()).into());
        return Err(Error::invalid(vec![FieldIssue { field: "historyDays".to_owned(), issue }]));
    }
    let changed = security::ActiveModel { history_days: Set(days), ..Default::default() };
    let tx = db.begin_write().await?;
    security::Entity::update_many().set(changed).filter(security::Column::Id.eq(1)).exec(&tx).await?;
    enqueue(db, &tx, NewWork::of(&SweepChanges {}, now)?, now).await?;
    tx.commit().await?;
    db.tickets().wake();
    Ok(())
}

/// Deletes the oldest commits that are too old, as many as one transaction may take.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(db: &TenantDb, now: i64) -> Result<Swept> {
    let keep = keep_days(db).await? * DAY;
    if keep == 0 {
        return Ok(Swept::Never);
    }
    let oldest = commits::Entity::find().order_by_asc(commits::Column::Seq).limit(COMMITS).all(db).await?;
    let mut old: Vec<&commits::Model> = oldest.iter().take_while(|commit| commit.at < now - keep).collect();
    let Some(last) = few(db, &mut old).await? else {
        let next = oldest.first().map_or(now, |commit| commit.at) + keep;
        return Ok(Swept::Until(next.max(now + DAY)));
    };
    let tx = db.begin_write().await?;
    let ids = old.iter().map(|commit| commit.id);
    changes::Entity::delete_many().filter(changes::Column::CommitId.is_in(ids)).exec(&tx).await?;
    commits::Entity::delete_many().filter(commits::Column::Seq.lte(last)).exec(&tx).await?;
    tx.commit().await?;
    Ok(Swept::More)
}

/// Leaves as many commits as one transaction may delete, at least one; the number of the last, if there are any.
async fn few(db: &TenantDb, old: &mut Vec<&commits::Model>) -> Result<Option<i64>> {
    let ids = old.iter().map(|commit| commit.id);
    let counts: HashMap<CommitId, i64> = changes::Entity::find()
        .select_only()
        .column(changes::Column::CommitId)
        .column_as(changes::Column::N.count(), "count")
        .filter(changes::Column::CommitId.is_in(ids))
        .group_by(changes::Column::CommitId)
        .into_tuple::<(uuid::Uuid, i64)>()
        .all(db)
        .await?
        .into_iter()
        .map(|(id, count)| (CommitId(id), count))
        .collect();
    let mut total = 0;
    old.retain(|commit| {
        let fits = total < CHANGES;
        total += counts.get(&commit.id).copied().unwrap_or_default();
        fits
    });
    Ok(old.last().map(|commit| commit.seq))
}

/// Whether all changes since an instant are still there.
pub(crate) async fn reaches_back_to(db: &TenantDb, at: i64) -> Result<bool> {
    let oldest = commits::Entity::find().order_by_asc(commits::Column::Seq).one(db).await?;
    Ok(match oldest {
        Some(oldest) => oldest.seq == 1 || oldest.at <= at,
        None => crate::engine::last_seq(db).await? == 0,
    })
}
