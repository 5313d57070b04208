//! The loop that does the work of the installation itself: items of the control plane, leased one by one.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use entities::control::system_jobs;
use futures::FutureExt;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use tenants::{
    Registry,
    error::{Error, Result},
};

use crate::failed::reason;

/// How long an item may take before another process does it, microseconds. Handlers end well before.
const LEASE: i64 = 180 * 1_000_000;
/// How often an item is tried before it is given up: over about a day.
const ATTEMPTS: i32 = 32;
/// The first pause and the longest, microseconds.
const PAUSES: (i64, i64) = (2_000_000, 3600 * 1_000_000);
/// How long items that were given up are kept for the operator to see, microseconds.
const KEPT: i64 = 30 * 24 * 3600 * 1_000_000;

/// Does the system jobs of one queue.
#[async_trait::async_trait]
pub trait SystemJobs: Send + Sync {
    /// The queue's name.
    fn queue(&self) -> &'static str;

    /// Does one item within two minutes. `id` is the same at every attempt. An error whose kind is retryable is tried
    /// again later; others are given up.
    async fn run(&self, id: &str, payload: serde_json::Value) -> Result<()>;
}

/// Does the item that is due for the longest time. False when none is due.
///
/// # Errors
/// When the control plane does not answer; what was leased comes back when the lease ends.
pub(crate) async fn turn(registry: &Registry, handlers: &[Arc<dyn SystemJobs>]) -> Result<bool> {
    let queues: Vec<&str> = handlers.iter().map(|handler| handler.queue()).collect();
    let Some(item) = take(registry, &queues).await? else { return Ok(false) };
    let Some(handler) = handlers.iter().find(|handler| handler.queue() == item.queue) else { return Ok(true) };
    let started = Instant::now();
    let done = match tenants::system_jobs::payload(registry.master(), &item) {
        Ok(payload) => {
            let done = AssertUnwindSafe(handler.run(&item.id.to_string(), payload)).catch_unwind().await;
            done.unwrap_or_else(|_| Err(Error::internal("the system job panicked")))
        }
        Err(error) => Err(error),
    };
    let result = match &done {
        Ok(()) => "done",
        Err(error) if error.code().kind().retryable() => "retried",
        Err(_) => "failed",
    };
    metrics::counter!("clientele_system_jobs_total", "queue" => handler.queue(), "result" => result).increment(1);
    metrics::histogram!("clientele_system_job_seconds", "queue" => handler.queue())
        .record(started.elapsed().as_secs_f64());
    match done {
        Ok(()) => {
            ours(&item, system_jobs::Entity::delete_many()).exec(registry.control().write()).await?;
        }
        Err(error) => {
            let line = error.log_line();
            let postponed = postpone(registry, &item, &error).await;
            // a process that is killed on this line has put it down as not done
            tracing::warn!(system_job.id = %item.id, queue = handler.queue(), attempts = item.attempts, error = line, "a system job did not succeed");
            postponed?;
        }
    }
    Ok(true)
}

/// Leases an item by compare-and-set: whoever saw the same row second changes nothing.
async fn take(registry: &Registry, queues: &[&str]) -> Result<Option<system_jobs::Model>> {
    let (control, now) = (registry.control(), registry.clock().micros());
    let found = system_jobs::Entity::find()
        .filter(system_jobs::Column::Due.lte(now))
        .filter(system_jobs::Column::LeasedUntil.lte(now))
        .filter(system_jobs::Column::FailedAt.is_null())
        .filter(system_jobs::Column::Queue.is_in(queues.iter().copied()))
        .order_by_asc(system_jobs::Column::Due)
        .limit(1)
        .one(control.read())
        .await?;
    let Some(item) = found else { return Ok(None) };
    let leased = system_jobs::Model { leased_until: now + LEASE, ..item.clone() };
    let update =
        system_jobs::Entity::update_many().col_expr(system_jobs::Column::LeasedUntil, Expr::value(leased.leased_until));
    let update = ours(&item, update).exec(control.write()).await?;
    Ok((update.rows_affected == 1).then_some(leased))
}

/// The item, unless another process took it since.
fn ours<Q: QueryFilter>(item: &system_jobs::Model, query: Q) -> Q {
    query.filter(system_jobs::Column::Id.eq(item.id)).filter(system_jobs::Column::LeasedUntil.eq(item.leased_until))
}

/// Tries again after 2 s, 4 s, 8 s … at most an hour, or gives up.
async fn postpone(registry: &Registry, item: &system_jobs::Model, error: &Error) -> Result<()> {
    let (control, now) = (registry.control(), registry.clock().micros());
    let attempts = item.attempts + 1;
    let give_up = !error.code().kind().retryable() || attempts >= ATTEMPTS;
    let changed = system_jobs::ActiveModel {
        attempts: Set(attempts),
        due: Set(now + (PAUSES.0 << item.attempts.clamp(0, 20)).min(PAUSES.1)),
        leased_until: Set(0),
        error: Set(Some(reason(error))),
        failed_at: Set(give_up.then_some(now)),
        ..Default::default()
    };
    ours(item, system_jobs::Entity::update_many().set(changed)).exec(control.write()).await?;
    if give_up {
        let old = system_jobs::Entity::delete_many().filter(system_jobs::Column::FailedAt.lt(now - KEPT));
        old.exec(control.write()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
