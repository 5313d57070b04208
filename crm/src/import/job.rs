//! Imports that workers continue: those that came through a server, and those whose process crashed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::ids::RunId;
use jobs::{Attempt, Handler, Next};
use records::{Ctx, engine::runs, permission, rules::RuleSet};
use serde::{Deserialize, Serialize};
use tenants::{
    Access, Actor, Caller, Clock, Operation, Origin, TenantDb, TenantTx,
    error::{Code, Error, Result},
    work::{self, Job, NewWork, Queue},
};

use super::links::LinkCaches;

/// How long a worker works on one import before it serves other tenants.
const SLICE: Duration = Duration::from_secs(1);
/// When workers check an import that its own process is doing, in microseconds.
const LATER: i64 = 60 * 1_000_000;
/// When an import is looked at again that another process does, and that does not say until when; in microseconds.
const SOON: i64 = 5 * 1_000_000;

/// An import that a worker continues.
#[derive(Debug, Serialize, Deserialize)]
pub struct ContinueImport {
    /// Its run.
    pub run: RunId,
}

impl Job for ContinueImport {
    const QUEUE: Queue = Queue::long("import.run");

    fn key(&self) -> Option<String> {
        Some(self.run.to_string())
    }

    fn subject(&self) -> String {
        format!("run {}", self.run)
    }
}

/// Continues imports.
pub struct Imports {
    rules: Arc<RuleSet>,
    clock: Clock,
    links: LinkCaches,
}

impl Imports {
    /// A handler that writes with these rules.
    pub fn new(rules: Arc<RuleSet>, clock: Clock) -> Self {
        Self { rules, clock, links: LinkCaches::default() }
    }

    async fn ctx(&self, db: &TenantDb, run: RunId) -> Result<Ctx> {
        let caller = caller(db, &self.clock, format!("run-{run}"), Some(run));
        Ctx::open(caller, db.clone(), Arc::clone(&self.rules)).await
    }
}

/// The system as caller, for background work.
pub(super) fn caller(db: &TenantDb, clock: &Clock, request: String, run: Option<RunId>) -> Arc<Caller> {
    Arc::new(Caller {
        tenant: db.tenant(),
        actor: Actor::System,
        origin: Origin::Import,
        access: Arc::new(Access::All),
        locale: db.settings().language.clone(),
        clock: clock.clone(),
        request,
        run,
        client: None,
        points_per_second: None,
    })
}

#[async_trait::async_trait]
impl Handler for Imports {
    type Job = ContinueImport;

    async fn run(&self, ContinueImport { run }: ContinueImport, attempt: &Attempt) -> Result<Next> {
        let ours = self.ctx(&attempt.db, run).await?;
        if attempt.by_hand {
            runs::reopen(&ours, run).await?;
        }
        let ctx = match authors(&ours, run).await {
            Ok(ctx) => ctx,
            Err(error) if error.code() == Code::Forbidden => {
                super::give_up(&ours, run, &error).await?;
                return Ok(Next::Done);
            }
            Err(error) => return Err(error),
        };
        let mut links = self.links.take(run);
        match super::continued(&ctx, run, Some(Instant::now() + SLICE), &mut links).await {
            Ok(report) if !report.status.is_over() => {
                self.links.keep(run, links);
                Ok(Next::Continue)
            }
            Ok(_) => Ok(Next::Done),
            // another process does it
            Err(error) if error.code() == Code::Conflict => {
                let now = self.clock.micros();
                let until = runs::load(&ours, run).await?.busy_until.filter(|until| *until > now);
                Ok(Next::At(until.unwrap_or(now + SOON)))
            }
            // the reason is in the run
            Err(error) if !error.code().kind().retryable() => {
                tracing::info!(run.id = %run, error = error.code().name(), "an import failed");
                Ok(Next::Done)
            }
            Err(error) => Err(error),
        }
    }

    async fn given_up(&self, ContinueImport { run }: ContinueImport, attempt: &Attempt, why: &Error) -> Result<()> {
        // its file stays until the sweep, so that it can be tried again
        runs::give_up(&self.ctx(&attempt.db, run).await?, run, why).await
    }
}

/// The context of the member who started a run, with their present permissions.
async fn authors(ours: &Ctx, run: RunId) -> Result<Ctx> {
    let run = runs::load(ours, run).await?;
    let ctx = runs::in_run(ours, &run).await?;
    if let Some(object) = run.object.and_then(|id| ctx.catalog.object_by_id(id)) {
        permission::permit(&ctx, object, Operation::Import)?;
    }
    Ok(ctx)
}

/// Queues the import for the workers, now or for when its own process seems to be gone.
pub(super) async fn enqueue(ctx: &Ctx, tx: &TenantTx, run: RunId, at_once: bool) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let item = NewWork::of(&ContinueImport { run }, if at_once { now } else { now + LATER })?;
    work::enqueue(&ctx.db, tx, item, now).await
}
