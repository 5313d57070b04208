//! The background work of runs: one batch at a time, by whichever process gets the job.

use std::time::Duration;

use entities::ids::RunId;
use serde::{Deserialize, Serialize};
use tenants::{
    error::{Code, Error, Result},
    work::{Job, Queue},
};

use super::{Run, RunKind, RunStatus, claim, filtered, find, finish, release, undo};
use crate::Ctx;

/// When a run is looked at again that another process has claimed without saying until when, microseconds.
const SOON: i64 = 1_000_000;
/// How often somebody who waits for another process looks.
const LOOK: Duration = Duration::from_millis(200);

/// A run that a worker continues, by [`step`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ContinueRun {
    /// Which one.
    pub run: RunId,
}

impl Job for ContinueRun {
    const QUEUE: Queue = Queue::long("records.run");

    fn key(&self) -> Option<String> {
        Some(self.run.to_string())
    }

    fn subject(&self) -> String {
        format!("run {}", self.run)
    }
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// A batch is done, and there is more to do.
    More,
    /// The run is over.
    Over,
    /// Another process has claimed it until this instant, microseconds UTC, unless it extends its claim.
    Elsewhere(i64),
}

/// Does the next batch of a run and releases it.
///
/// # Errors
/// Retryable errors leave the run as it was; others end it as failed.
pub async fn step(ctx: &Ctx, id: RunId) -> Result<StepResult> {
    let Some(run) = claim(ctx, id).await? else {
        return Ok(elsewhere(ctx, &find(ctx, id).await?));
    };
    let mut result = batch(ctx, &run).await;
    while matches!(&result, Err(error) if error.code() == Code::StaleCatalog) {
        result = batch(&ctx.refreshed().await?, &run).await;
    }
    match result {
        Ok(true) => {
            release(ctx, &run).await?;
            Ok(StepResult::More)
        }
        Ok(false) => {
            finish(ctx, &run, None).await?;
            Ok(StepResult::Over)
        }
        Err(error) if error.code() == Code::Cancelled => Ok(StepResult::Over),
        Err(error) if error.code().kind().retryable() => {
            release(ctx, &run).await?;
            Err(error)
        }
        Err(error) => {
            let ended = finish(ctx, &run, Some(error.message().to_owned())).await?;
            match ended.status {
                RunStatus::Failed => Err(error),
                // cancelled, or another process has claimed it meanwhile
                _ => Ok(elsewhere(ctx, &ended)),
            }
        }
    }
}

/// What to expect of a run that this process has not claimed.
fn elsewhere(ctx: &Ctx, run: &Run) -> StepResult {
    if run.status.is_over() {
        return StepResult::Over;
    }
    let soon = ctx.caller.clock.micros() + SOON;
    StepResult::Elsewhere(run.busy_until.map_or(soon, |until| until.max(soon)))
}

/// Does a run to its end, or waits for the process that does.
///
/// # Errors
/// The reason why it failed; `UNAVAILABLE` and the like leave it to the workers.
pub async fn to_the_end(ctx: &Ctx, id: RunId) -> Result<Run> {
    loop {
        match step(ctx, id).await? {
            StepResult::More => {}
            StepResult::Over => return find(ctx, id).await,
            StepResult::Elsewhere(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Does a run's next batch. Returns whether there may be more.
async fn batch(ctx: &Ctx, run: &Run) -> Result<bool> {
    match run.kind {
        RunKind::Update | RunKind::Archive => filtered::batch(ctx, run).await,
        RunKind::Undo => undo::batch(ctx, run).await,
        RunKind::Samples => {
            Err(Error::new(Code::Conflict, "The command that made these records ended before all of them were made."))
        }
        RunKind::Import => Err(Error::internal("imports have a queue of their own")),
    }
}
