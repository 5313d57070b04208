//! Deletes what imports leave in the staging folder: uploads of killed processes, and errors files that are too old.
//! Every upload queues a sweep for a day later; a sweep that leaves files comes again. So organisations without imports
//! cost nothing.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use entities::ids::RunId;
use jobs::{Attempt, Handler, Next};
use records::{
    Ctx,
    engine::{
        forget_dry_runs,
        runs::{self, Run, RunStatus},
    },
    rules::RuleSet,
};
use sea_orm::TransactionSession;
use serde::{Deserialize, Serialize};
use tenants::{
    Clock, TenantDb,
    error::{Code, Error, Result},
    work::{self, Job, NewWork, Queue},
};

use super::{job, staging};

/// The staging folder of a tenant is to be swept.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepStaging {}

impl Job for SweepStaging {
    const QUEUE: Queue = Queue::long("import.sweep");

    fn key(&self) -> Option<String> {
        Some("staging".to_owned())
    }
}

/// How long an upload that no import took is kept.
const UPLOADS_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long an errors file is kept after its import, and the file of one that was given up, in microseconds.
const KEPT: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Time from an upload to the sweep, and between sweeps, in microseconds.
const EVERY: i64 = 24 * 3_600 * 1_000_000;

/// Sweeps the staging folder of a tenant.
pub struct Sweeper {
    rules: Arc<RuleSet>,
    clock: Clock,
}

impl Sweeper {
    /// A handler with this clock.
    pub fn new(rules: Arc<RuleSet>, clock: Clock) -> Self {
        Self { rules, clock }
    }
}

#[async_trait::async_trait]
impl Handler for Sweeper {
    type Job = SweepStaging;

    async fn run(&self, _: SweepStaging, attempt: &Attempt) -> Result<Next> {
        let caller = job::caller(&attempt.db, &self.clock, "sweep".to_owned(), None);
        let ctx = Ctx::open(caller, attempt.db.clone(), Arc::clone(&self.rules)).await?;
        forget_dry_runs(&ctx).await?;
        Ok(if sweep(&ctx).await? > 0 { Next::At(self.clock.micros() + EVERY) } else { Next::Done })
    }
}

/// Queues a sweep for a day from now, unless one is already queued.
pub(super) async fn ask(db: &TenantDb, now: i64) -> Result<()> {
    let tx = db.begin_write().await?;
    work::enqueue(db, &tx, NewWork::of(&SweepStaging {}, now + EVERY)?, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Returns how many files are left.
async fn sweep(ctx: &Ctx) -> Result<usize> {
    let mut left = 0;
    let mut folder = match tokio::fs::read_dir(staging::folder(&ctx.db)).await {
        Ok(folder) => folder,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::internal(error)),
    };
    while let Some(entry) = folder.next_entry().await.map_err(Error::internal)? {
        if is_done_with(ctx, &entry.path()).await? {
            match tokio::fs::remove_file(entry.path()).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::internal(error)),
                _ => tracing::info!(tenant.id = %ctx.db.tenant(), file = ?entry.file_name(), "a staged file is swept"),
            }
        } else {
            left += 1;
        }
    }
    Ok(left)
}

async fn is_done_with(ctx: &Ctx, path: &Path) -> Result<bool> {
    let now = ctx.caller.clock.micros();
    Ok(match staging::kind_of(path) {
        Some(staging::Kind::Upload) => age(path, now).is_some_and(|age| age > UPLOADS_KEPT),
        // without its run yet, it is an upload that is just being taken
        Some(staging::Kind::Source(run)) => match find(ctx, run).await? {
            // one that was given up may be tried again
            Some(run) if run.status == RunStatus::Failed => run.updated_at + KEPT < now,
            Some(run) => run.status.is_over(),
            None => age(path, now).is_some_and(|age| age > UPLOADS_KEPT),
        },
        Some(staging::Kind::Errors(run)) => {
            let old = |run: Run| run.status.is_over() && run.updated_at + KEPT < now;
            find(ctx, run).await?.is_none_or(old)
        }
        // whoever put it there knows why
        None => false,
    })
}

async fn find(ctx: &Ctx, run: RunId) -> Result<Option<Run>> {
    match runs::load(ctx, run).await {
        Ok(run) => Ok(Some(run)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Time since the last write; `None` for a file that is gone or from the future.
fn age(path: &Path, now: i64) -> Option<Duration> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(now).ok()?);
    now.duration_since(written).ok()
}
