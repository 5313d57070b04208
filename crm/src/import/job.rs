//! Imports that workers continue: those that came through a server, and those whose process crashed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::ids::RunId;
use jobs::{Handler, Job, Next};
use records::{Ctx, engine::runs, permission, rules::RuleSet};
use serde::{Deserialize, Serialize};
use tenants::{
    Access, Actor, Caller, Clock, Operation, Origin, TenantDb, TenantTx,
    error::{Code, Error, Result},
    work::{self, NewWork},
};

/// The queue of imports.
pub const QUEUE: &str = "import.run";
/// How long a worker works on one import before it serves other tenants.
const SLICE: Duration = Duration::from_secs(1);
/// When workers check an import that its own process is doing, in microseconds.
const LATER: i64 = 60 * 1_000_000;

/// When an import that another process works on is looked at again, in microseconds: that process may be gone.
const AGAIN: i64 = 5 * 1_000_000;

#[derive(Serialize, Deserialize)]
struct Payload {
    run: RunId,
}

/// Continues imports.
pub struct ImportJob {
    rules: Arc<RuleSet>,
    clock: Clock,
}

impl ImportJob {
    /// A handler that writes with these rules.
    pub fn new(rules: Arc<RuleSet>, clock: Clock) -> Self {
        Self { rules, clock }
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
impl Handler for ImportJob {
    fn queue(&self) -> &'static str {
        QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let Payload { run } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
        let caller = caller(&job.db, &self.clock, format!("run-{run}"), Some(run));
        let ours = Ctx::open(caller, job.db.clone(), Arc::clone(&self.rules)).await?;
        let ctx = match authors(&ours, run).await {
            Ok(ctx) => ctx,
            Err(error) if error.code() == Code::Forbidden => {
                super::give_up(&ours, run, &error).await?;
                return Ok(Next::Done);
            }
            Err(error) => return Err(error),
        };
        match super::carry_on(&ctx, run, Some(Instant::now() + SLICE)).await {
            Ok(report) if !report.status.is_over() => Ok(Next::Continue),
            Ok(_) => Ok(Next::Done),
            // the run holds the reason
            Err(error) if !error.code().kind().retryable() && error.code() != Code::Conflict => {
                tracing::info!(run.id = %run, error = error.code().name(), "an import failed");
                Ok(Next::Done)
            }
            // its own process is working on it: check again later
            Err(error) if error.code() == Code::Conflict => Ok(Next::At(self.clock.micros() + AGAIN)),
            Err(error) => Err(error),
        }
    }
}

/// The context of the member who started a run, with their present permissions.
async fn authors(ours: &Ctx, run: RunId) -> Result<Ctx> {
    let run = runs::load(ours, run).await?;
    let ctx = runs::within(ours, &run).await?;
    if let Some(object) = run.object.and_then(|id| ctx.catalog.object_by_id(id)) {
        permission::permit(&ctx, object, Operation::Import)?;
    }
    Ok(ctx)
}

/// Queues the import for the workers, now or for when its own process seems to be gone.
pub(super) async fn enqueue(ctx: &Ctx, tx: &TenantTx, run: RunId, at_once: bool) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let payload = serde_json::to_value(Payload { run }).map_err(Error::internal)?;
    let item =
        NewWork { queue: QUEUE, payload, due: if at_once { now } else { now + LATER }, key: Some(run.to_string()) };
    work::enqueue(&ctx.db, tx, item, now).await
}
