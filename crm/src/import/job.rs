//! Imports that the workers of the servers carry on: those that came through a server, and those whose process died.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::ids::RunId;
use jobs::{Handler, Job, Next};
use records::{Ctx, engine::runs, rules::Rules};
use sea_orm::TransactionSession;
use serde::{Deserialize, Serialize};
use tenants::{
    Access, Actor, Caller, Clock, Origin, TenantDb,
    error::{Code, Error, Result},
    work::{self, NewWork},
};

/// The queue of imports.
pub const QUEUE: &str = "import.run";
/// How long a worker stays with one import before other tenants have their turn.
const SLICE: Duration = Duration::from_secs(1);
/// When the workers look after an import that its own process carries on, in microseconds.
const LATER: i64 = 60 * 1_000_000;

#[derive(Serialize, Deserialize)]
struct Payload {
    run: RunId,
}

/// Carries imports on.
pub struct ImportJob {
    rules: Arc<dyn Rules>,
    clock: Clock,
}

impl ImportJob {
    /// A handler whose writes follow these rules.
    pub fn new(rules: Arc<dyn Rules>, clock: Clock) -> Self {
        Self { rules, clock }
    }
}

/// Somebody at work in the background; whether a run may do what it does was asked when it was begun.
pub(super) fn caller(db: &TenantDb, clock: &Clock, request: String, run: Option<RunId>, actor: Actor) -> Arc<Caller> {
    Arc::new(Caller {
        tenant: db.tenant(),
        actor,
        origin: Origin::Import,
        access: Arc::new(Access::All),
        locale: db.settings().language.clone(),
        clock: clock.clone(),
        request,
        run,
        visit: None,
    })
}

#[async_trait::async_trait]
impl Handler for ImportJob {
    fn queue(&self) -> &'static str {
        QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let Payload { run } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
        let as_actor = |actor| caller(&job.db, &self.clock, format!("run-{run}"), Some(run), actor);
        let ctx = Ctx::open(as_actor(Actor::System), job.db.clone(), Arc::clone(&self.rules)).await?;
        let stored = runs::load(&ctx, run).await?;
        let ctx = Ctx { caller: as_actor(Actor::from_stored(&stored.created_by)), ..ctx };
        match super::carry_on(&ctx, run, Some(Instant::now() + SLICE)).await {
            Ok(report) if !report.status.is_over() => Ok(Next::Continue),
            Ok(_) => Ok(Next::Done),
            // The reason stands in the run.
            Err(error) if !error.code().kind().retryable() && error.code() != Code::Conflict => {
                tracing::info!(run.id = %run, error = error.code().name(), "an import failed");
                Ok(Next::Done)
            }
            // Its own process is at it: another look later.
            Err(error) if error.code() == Code::Conflict => Err(Error::new(Code::Unavailable, error.message())),
            Err(error) => Err(error),
        }
    }
}

/// Has the workers carry a run on, at once or when its own process seems to be gone.
pub(super) async fn enqueue(ctx: &Ctx, run: RunId, at_once: bool) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let payload = serde_json::to_value(Payload { run }).map_err(Error::internal)?;
    let item =
        NewWork { queue: QUEUE, payload, due: if at_once { now } else { now + LATER }, key: Some(run.to_string()) };
    let tx = ctx.db.begin_write().await?;
    work::enqueue(&ctx.db, &tx, item, now).await?;
    tx.commit().await?;
    if at_once {
        ctx.db.tickets().wake();
    }
    Ok(())
}
