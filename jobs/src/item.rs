//! The row of a job: who takes it, and what becomes of it after a step. Only who took it last may change it.

use entities::{ids::WorkId, tenant::work};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use tenants::{
    TenantDb,
    db::{Fence, violation},
    error::{Error, Result},
    work::Queue,
};

use crate::{failed::reason, schedules};

/// How long jobs that were given up are kept for people to see, microseconds.
const KEPT: i64 = 30 * 24 * 3_600 * 1_000_000;

/// Jobs of a queue that were not given up.
pub(crate) fn waiting(queue: &str) -> sea_orm::Select<work::Entity> {
    work::Entity::find().filter(work::Column::Queue.eq(queue)).filter(work::Column::FailedAt.is_null())
}

/// Takes the job that is due for the longest time, but for those in hand. Among equals, who had fewer turns comes first.
pub(crate) async fn take(db: &TenantDb, queue: &Queue, in_hand: &[WorkId], now: i64) -> Result<Option<work::Model>> {
    loop {
        let due = waiting(queue.name)
            .filter(work::Column::Due.lte(now))
            .filter(work::Column::Id.is_not_in(in_hand.iter().copied()))
            .order_by_asc(work::Column::Due)
            .order_by_asc(work::Column::Epoch)
            .order_by_asc(work::Column::Id);
        let Some(mut item) = due.one(db).await? else { return Ok(None) };
        let update = work::Entity::update_many()
            .col_expr(work::Column::Epoch, Expr::col(work::Column::Epoch).add(1))
            // work that comes while this one is done must not be swallowed by its key; what recurs keeps it
            .col_expr(work::Column::Taken, Expr::value(item.cron.is_none()));
        if update.filter(ours(&item)).exec(db).await?.rows_affected == 1 {
            item.epoch += 1;
            return Ok(Some(item));
        }
    }
}

/// What a queue of a tenant holds.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub(crate) struct Standing {
    /// Jobs to be done.
    pub waiting: i64,
    /// Jobs that were given up.
    pub failed: i64,
    earliest: Option<i64>,
    first_failed: Option<i64>,
}

impl Standing {
    /// When somebody has to look into the queue again.
    pub fn due(&self) -> Option<i64> {
        self.earliest.into_iter().chain(self.forgotten()).min()
    }

    /// When the oldest job that was given up is forgotten.
    pub fn forgotten(&self) -> Option<i64> {
        self.first_failed.map(|at| at + KEPT)
    }
}

/// Looks what a queue holds.
pub(crate) async fn standing(db: &impl ConnectionTrait, queue: &Queue) -> Result<Standing> {
    let of = |text: &'static str| Expr::cust(text);
    let found = work::Entity::find()
        .select_only()
        .column_as(of("count(*) - count(failed_at)"), "waiting")
        .column_as(of("count(failed_at)"), "failed")
        .column_as(of("min(CASE WHEN failed_at IS NULL THEN due END)"), "earliest")
        .column_as(of("min(failed_at)"), "first_failed")
        .filter(work::Column::Queue.eq(queue.name));
    Ok(found.into_model::<Standing>().one(db).await?.unwrap_or_default())
}

/// Forgets jobs that were given up long ago.
pub(crate) async fn forget(db: &TenantDb, queue: &Queue, now: i64) -> Result<()> {
    let old = work::Entity::delete_many().filter(work::Column::Queue.eq(queue.name));
    old.filter(work::Column::FailedAt.lte(now - KEPT)).exec(db).await?;
    Ok(())
}

/// The fence of whoever holds it.
pub(crate) fn fence(item: &work::Model) -> Fence {
    Fence { work: item.id, epoch: item.epoch }
}

/// It is done: it goes, or waits for its next time.
pub(crate) async fn done(db: &TenantDb, item: &work::Model, now: i64) -> Result<()> {
    if item.cron.is_none() {
        return remove(db, item).await;
    }
    match next(db, item, now).await? {
        Some(due) => again(db, item, due).await,
        None => Ok(()),
    }
}

/// When a job that recurs comes again, as its row says now: somebody may have changed that while it was done. `None` if
/// it recurs no more.
async fn next(db: &TenantDb, item: &work::Model, now: i64) -> Result<Option<i64>> {
    let row = work::Entity::find().filter(ours(item)).one(db).await?;
    row.as_ref().and_then(schedules::of).map(|recurrence| recurrence.next(now)).transpose()
}

/// It made progress, and waits until an instant.
pub(crate) async fn again(db: &TenantDb, item: &work::Model, due: i64) -> Result<()> {
    let changed = work::ActiveModel { due: Set(due), attempts: Set(0), error: Set(None), ..released() };
    change(db, item, changed).await
}

/// It failed, and is tried again at an instant.
pub(crate) async fn postpone(db: &TenantDb, item: &work::Model, error: &Error, due: i64) -> Result<()> {
    let (attempts, error) = (Set(item.attempts + 1), Set(Some(reason(error))));
    let changed = work::ActiveModel { due: Set(due), attempts, error, by_hand: Set(item.by_hand), ..released() };
    change(db, item, changed).await
}

/// It is given up: kept for people to see. What recurs waits for its next time.
pub(crate) async fn give_up(db: &TenantDb, item: &work::Model, error: &Error, now: i64) -> Result<()> {
    let error = Set(Some(reason(error)));
    if item.cron.is_some() {
        let Some(due) = next(db, item, now).await? else { return Ok(()) };
        let changed = work::ActiveModel { due: Set(due), attempts: Set(0), error, ..released() };
        return change(db, item, changed).await;
    }
    let (attempts, failed_at) = (Set(item.attempts + 1), Set(Some(now)));
    change(db, item, work::ActiveModel { attempts, error, failed_at, ..released() }).await
}

fn released() -> work::ActiveModel {
    work::ActiveModel { taken: Set(false), by_hand: Set(false), ..Default::default() }
}

async fn change(db: &TenantDb, item: &work::Model, changed: work::ActiveModel) -> Result<()> {
    match work::Entity::update_many().set(changed).filter(ours(item)).exec(db).await {
        Ok(_) => Ok(()),
        // another job with its key came meanwhile, and will do the same
        Err(error) if violation(&error).is_some() => remove(db, item).await,
        Err(error) => Err(error.into()),
    }
}

async fn remove(db: &TenantDb, item: &work::Model) -> Result<()> {
    work::Entity::delete_many().filter(ours(item)).exec(db).await?;
    Ok(())
}

/// The row, unless somebody else has taken it since.
fn ours(item: &work::Model) -> Condition {
    Condition::all().add(work::Column::Id.eq(item.id)).add(work::Column::Epoch.eq(item.epoch))
}
