//! Deletes what imports leave in the file store: uploads of killed processes, and errors files that are too old.
//! Every upload queues a sweep for a day later; a sweep that leaves files comes again. So organisations without imports
//! cost nothing.

use std::{
    collections::{
        HashMap,
        hash_map::Entry::{Occupied, Vacant},
    },
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use entities::ids::RunId;
use files::{Entry, Files};
use futures::TryStreamExt;
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
    error::{Code, Result},
    work::{self, Job, NewWork, Queue},
};

use super::{
    job,
    staging::{self, Kind},
};

/// The files of a tenant's imports are to be swept.
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

/// Sweeps the files of a tenant's imports.
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
    let files = Files::of(&ctx.db);
    let now = ctx.caller.clock.micros();
    let instant = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(now).unwrap_or_default());
    files.sweep_unfinished(UPLOADS_KEPT, instant).await?;
    let mut left = 0;
    let mut runs: HashMap<RunId, Option<Run>> = HashMap::new();
    let mut entries = pin!(files.list(staging::FOLDER));
    while let Some(entry) = entries.try_next().await? {
        // whoever put a foreign file there knows why
        let Some((run, kind)) = staging::kind_of(&entry.name) else {
            left += 1;
            continue;
        };
        let run = match runs.entry(run) {
            Occupied(known) => known.into_mut(),
            Vacant(new) => new.insert(find(ctx, run).await?),
        };
        if is_done_with(&kind, run.as_ref(), age(&entry, instant), now) {
            files.delete(&entry.name).await?;
            tracing::info!(tenant.id = %ctx.db.tenant(), file = entry.name, "a file of an import is swept");
        } else {
            left += 1;
        }
    }
    Ok(left)
}

fn is_done_with(kind: &Kind, run: Option<&Run>, age: Duration, now: i64) -> bool {
    match (kind, run) {
        // its run may be about to be committed
        (_, None) => age > UPLOADS_KEPT,
        // one that was given up may be tried again
        (Kind::Source, Some(run)) if run.status == RunStatus::Failed => is_too_old(run, now),
        (Kind::Source, Some(run)) => run.status.is_over(),
        (Kind::Errors, Some(run)) => is_too_old(run, now),
    }
}

/// Whether the errors file of a run is no longer kept.
pub(super) fn is_too_old(run: &Run, now: i64) -> bool {
    run.status.is_over() && run.updated_at + KEPT < now
}

async fn find(ctx: &Ctx, run: RunId) -> Result<Option<Run>> {
    match runs::load(ctx, run).await {
        Ok(run) => Ok(Some(run)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Time since it was written; none for a file from the future.
fn age(entry: &Entry, now: SystemTime) -> Duration {
    now.duration_since(entry.written).unwrap_or_default()
}
