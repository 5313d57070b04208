//! The background work of runs: one batch at a time, by whichever process gets the job.

use entities::ids::RunId;
use tenants::error::{Code, Error, Result};

use super::{Run, RunKind, RunStatus, claim, filtered, find, finish, release, undo};
use crate::Ctx;

/// The queue in which runs wait.
pub const QUEUE: &str = "records.run";

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// A batch is done, and there is more to do.
    More,
    /// The run is over.
    Over,
    /// Another process has claimed it; try again when its lease has ended.
    Elsewhere,
}

/// Does the next batch of a run and releases it.
///
/// # Errors
/// Retryable errors leave the run as it was; others end it as failed.
pub async fn step(ctx: &Ctx, id: RunId) -> Result<StepResult> {
    let Some(run) = claim(ctx, id).await? else {
        let over = find(ctx, id).await?.status.is_over();
        return Ok(if over { StepResult::Over } else { StepResult::Elsewhere });
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
            if ended.status == RunStatus::Cancelled { Ok(StepResult::Over) } else { Err(error) }
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
