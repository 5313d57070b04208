//! One tenant's turn: jobs of one queue for a slice of time, as many at once as the queue allows.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use entities::{ids::WorkId, tenant::work};
use futures::{FutureExt, future::try_join_all};
use tenants::{
    Clock, TenantDb,
    error::{Code, Error, Result},
};
use tokio::sync::Mutex;

use crate::{Attempt, Next, Registered, item};

/// How long a tenant's turn may be before the others have theirs.
const SLICE: Duration = Duration::from_secs(2);
/// How long the statements around a job may take. They are short: a space that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The turn of one tenant in one queue.
pub(crate) struct Turn<'a> {
    pub db: &'a TenantDb,
    pub handler: &'a Registered,
    pub clock: &'a Clock,
    pub stopping: &'a AtomicBool,
}

/// Refuses to wait for ever for a database.
///
/// # Errors
/// `UNAVAILABLE` when it takes too long; those of the work.
pub(crate) async fn patiently<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Error::new(Code::Unavailable, "The space of the organisation does not answer.");
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

impl Turn<'_> {
    /// Does jobs until the slice is over or none is due, as many at once as the queue allows.
    ///
    /// # Errors
    /// When the tenant's space does not answer.
    pub async fn drain(&self) -> Result<()> {
        let (started, in_hand) = (Instant::now(), Mutex::default());
        // each goes on while the others wait for a database
        let lanes = (0..self.handler.queue().per_tenant).map(|_| self.lane(started, &in_hand));
        try_join_all(lanes).await.map(drop)
    }

    /// Does one job after the other.
    async fn lane(&self, started: Instant, in_hand: &Mutex<Vec<WorkId>>) -> Result<()> {
        while started.elapsed() < SLICE && !self.stopping.load(Ordering::SeqCst) {
            let item = {
                let mut in_hand = in_hand.lock().await;
                let now = self.clock.micros();
                let taken = patiently(item::take(self.db, self.handler.queue(), &in_hand, now)).await?;
                let Some(item) = taken else { break };
                in_hand.push(item.id);
                item
            };
            self.one(&item).await?;
            in_hand.lock().await.retain(|id| *id != item.id);
        }
        Ok(())
    }

    async fn one(&self, item: &work::Model) -> Result<()> {
        let queue = self.handler.queue();
        let db = self.db.fenced(item::fence(item));
        let attempt = Attempt { id: item.id, db, by_hand: item.by_hand };
        let started = Instant::now();
        let running = metrics::gauge!("clientele_jobs_running", "queue" => queue.name);
        running.increment(1);
        let outcome = self.outcome(item, &attempt).await;
        running.decrement(1);
        let result = match &outcome {
            Ok(_) => "done",
            Err(error) if error.code().kind().retryable() => "retried",
            Err(_) => "failed",
        };
        metrics::counter!("clientele_jobs_total", "queue" => queue.name, "result" => result).increment(1);
        metrics::histogram!("clientele_job_seconds", "queue" => queue.name).record(started.elapsed().as_secs_f64());
        let now = self.clock.micros();
        match outcome {
            Ok(Next::Done) => patiently(item::done(self.db, item, now)).await,
            Ok(Next::Continue) => patiently(item::again(self.db, item, now)).await,
            Ok(Next::At(instant)) => patiently(item::again(self.db, item, instant)).await,
            Err(error) => self.failed(item, &attempt, &error).await,
        }
    }

    async fn outcome(&self, item: &work::Model, attempt: &Attempt) -> Result<Next> {
        let payload = patiently(tenants::work::payload(self.db, item)).await?;
        let step = AssertUnwindSafe(self.handler.run(payload, attempt)).catch_unwind();
        match tokio::time::timeout(self.handler.queue().timeout, step).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Error::internal("the job panicked")),
            Err(_) => Err(Error::of(Code::JobTimedOut)),
        }
    }

    async fn failed(&self, item: &work::Model, attempt: &Attempt, error: &Error) -> Result<()> {
        let (queue, now) = (self.handler.queue(), self.clock.micros());
        let failures = item.attempts + 1;
        tracing::warn!(
            tenant.id = %self.db.tenant(), queue = queue.name, job.id = %item.id, failures,
            error = error.log_line(), "a job did not succeed"
        );
        if error.code().kind().retryable() && failures < queue.retry.attempts {
            let pause = i64::try_from(queue.retry.pause(failures).as_micros()).unwrap_or(i64::MAX / 2);
            return patiently(item::postpone(self.db, item, error, now + pause)).await;
        }
        let told = async {
            let payload = tenants::work::payload(self.db, item).await?;
            self.handler.given_up(payload, attempt, error).await
        };
        let told = AssertUnwindSafe(patiently(told)).catch_unwind().await;
        if let Err(error) = told.unwrap_or_else(|_| Err(Error::internal("the handler panicked"))) {
            tracing::warn!(job.id = %item.id, error = error.log_line(), "nobody was told that a job is given up");
        }
        patiently(item::give_up(self.db, item, error, now)).await
    }
}
