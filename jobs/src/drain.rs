//! One tenant's turn: items of its queue, one after the other, for a bounded slice of time.

use std::time::{Duration, Instant};

use entities::tenant::work;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use tenants::{Code, TenantDb, error::Result};

use crate::{Handler, Job, Next};

/// How long a tenant's turn may be before the others have theirs.
const SLICE: Duration = Duration::from_secs(2);
/// How often an item is tried before it is given up.
const ATTEMPTS: i32 = 12;

/// Works through a queue for a slice. Answers when the earliest item left is due, if one is left.
pub async fn drain(
    db: &TenantDb,
    queue: &str,
    handler: &dyn Handler,
    now: impl Fn() -> i64,
    stopping: impl Fn() -> bool,
) -> Result<Option<i64>> {
    let started = Instant::now();
    while started.elapsed() < SLICE && !stopping() {
        let Some(item) = next_due(db, queue, now()).await? else { break };
        one(db, handler, item, now()).await?;
    }
    let left = waiting(queue).order_by_asc(work::Column::Due).one(db).await?;
    Ok(left.map(|item| item.due))
}

fn waiting(queue: &str) -> sea_orm::Select<work::Entity> {
    work::Entity::find().filter(work::Column::Queue.eq(queue)).filter(work::Column::FailedAt.is_null())
}

async fn next_due(db: &TenantDb, queue: &str, now: i64) -> Result<Option<work::Model>> {
    let due = waiting(queue).filter(work::Column::Due.lte(now));
    let item = due.order_by_asc(work::Column::Due).order_by_asc(work::Column::Id).one(db).await?;
    if let Some(item) = item.as_ref().filter(|item| item.key.is_some()) {
        // work that comes while this item runs must not be swallowed by its key
        work::Entity::update_many()
            .col_expr(work::Column::Key, Expr::value(Option::<String>::None))
            .filter(work::Column::Id.eq(item.id))
            .exec(db)
            .await?;
    }
    Ok(item)
}

async fn one(db: &TenantDb, handler: &dyn Handler, item: work::Model, now: i64) -> Result<()> {
    let started = Instant::now();
    let outcome = match tenants::work::payload(db, &item).await {
        Ok(payload) => handler.run(&Job { db: db.clone(), payload, attempts: item.attempts }).await,
        Err(error) => Err(error),
    };
    let result = match &outcome {
        Ok(_) => "done",
        Err(error) if error.code().kind().retryable() => "retried",
        Err(_) => "failed",
    };
    metrics::counter!("clientele_jobs_total", "queue" => handler.queue(), "result" => result).increment(1);
    metrics::histogram!("clientele_job_seconds", "queue" => handler.queue()).record(started.elapsed().as_secs_f64());
    match outcome {
        Ok(Next::Done) => {
            work::Entity::delete_by_id(item.id).exec(db).await?;
            Ok(())
        }
        // behind what is due by now; whatever failed before, it went on
        Ok(Next::Continue) => wait_until(db, &item, now).await,
        Ok(Next::At(instant)) => wait_until(db, &item, instant).await,
        Err(error) => {
            tracing::warn!(
                tenant.id = %db.tenant(), queue = handler.queue(), attempts = item.attempts,
                error = error.log_line(), "a job did not succeed"
            );
            postpone(db, item, error.code(), now).await
        }
    }
}

/// Lays an item down until an instant, as one that did not fail.
async fn wait_until(db: &TenantDb, item: &work::Model, due: i64) -> Result<()> {
    let changed = work::ActiveModel { due: Set(due), attempts: Set(0), error: Set(None), ..Default::default() };
    work::Entity::update_many().set(changed).filter(work::Column::Id.eq(item.id)).exec(db).await?;
    Ok(())
}

/// Tries again after 1 s, 2 s, 4 s … at most an hour, or gives up.
async fn postpone(db: &TenantDb, item: work::Model, code: Code, now: i64) -> Result<()> {
    let attempts = item.attempts + 1;
    let give_up = !code.kind().retryable() || attempts >= ATTEMPTS;
    let pause = 1_000_000 * (1i64 << attempts.clamp(1, 12).saturating_sub(1)).min(3600);
    let changed = work::ActiveModel {
        attempts: Set(attempts),
        due: Set(now + pause),
        error: Set(Some(code.name().to_owned())),
        failed_at: Set(give_up.then_some(now)),
        ..Default::default()
    };
    work::Entity::update_many().set(changed).filter(work::Column::Id.eq(item.id)).exec(db).await?;
    Ok(())
}
