//! Runs: writes that are too large for one transaction. A run stores what to do and how far it is. Its progress commits
//! with its rows, so any process can continue it after a crash, and its history is used to undo it.

mod filtered;
mod step;
mod undo;
mod undo_links;
mod visibility;

use std::sync::Arc;

use entities::{
    ids::{ObjectId, RunId},
    tenant::runs,
};
pub use filtered::{BulkResult, MOST_AT_ONCE, archive_where, update_where};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Cond, Expr},
};
use serde::Serialize;
use serde_json::Value as Json;
pub use step::{ContinueRun, StepResult, step, to_the_end};
use tenants::{
    Actor, TenantTx, access,
    error::{Code, Error, Result},
};
pub use undo::{LeftAlone, UndoReport, undo, undo_report};
use visibility::find;
pub use visibility::{list, load};

use crate::{Ctx, sealing};

/// The purpose that runs of objects with encrypted fields are sealed for.
pub(crate) const GUARDED: &str = "run";

/// How long a worker may be silent before another may take over its run, in microseconds.
const LEASE: i64 = 60_000_000;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// Writes the rows of a file.
    Import,
    /// Changes all records that match a filter.
    Update,
    /// Archives all records that match a filter.
    Archive,
    /// Undoes another run.
    Undo,
    /// Creates invented records for tests.
    Samples,
}

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// Waits for a worker.
    Queued,
    /// A worker has claimed it, or had until it crashed.
    Running,
    /// Finished.
    Done,
    /// Failed.
    Failed,
    /// Was cancelled; what it did until then is kept.
    Cancelled,
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Stable id.
    pub id: RunId,
    /// What it does.
    pub kind: RunKind,
    /// Its status.
    pub status: RunStatus,
    /// The object whose records it writes, if there is one.
    pub object: Option<ObjectId>,
    /// What to do; only its creator knows the format.
    pub params: Json,
    /// Its progress: where to continue.
    pub progress: Json,
    /// Records or rows processed.
    pub matched: i64,
    /// Records written.
    pub changed: i64,
    /// Records or rows refused.
    pub failed: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// Who started it, as [`tenants::Actor::stored`] writes it.
    pub created_by: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub updated_at: i64,
    /// Until when another process may claim it only if the one that holds it says so.
    pub busy_until: Option<i64>,
    /// Raised by every claim, so that a process that was taken for dead cannot continue.
    epoch: i64,
}

/// A new run.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub kind: RunKind,
    pub object: Option<ObjectId>,
    pub params: Json,
    pub progress: Json,
}

/// What a batch adds to a run.
#[derive(Clone, Debug)]
pub(crate) struct Advance {
    pub progress: Json,
    pub matched: i64,
    pub changed: i64,
    pub failed: i64,
}

/// Creates a run that waits for a worker.
pub async fn create(ctx: &Ctx, new: NewRun) -> Result<Run> {
    let tx = ctx.db.begin_write().await?;
    let run = create_in(ctx, &tx, new).await?;
    sea_orm::TransactionSession::commit(tx).await?;
    Ok(run)
}

/// Creates a run within a transaction.
pub(crate) async fn create_in(ctx: &Ctx, tx: &TenantTx, new: NewRun) -> Result<Run> {
    create_as(ctx, tx, RunId::new(), new).await
}

/// Creates a run with a given id, within a transaction.
pub async fn create_as(ctx: &Ctx, tx: &TenantTx, id: RunId, new: NewRun) -> Result<Run> {
    let now = ctx.caller.clock.micros();
    let run = Run {
        id,
        kind: new.kind,
        status: RunStatus::Queued,
        object: new.object,
        params: new.params,
        progress: new.progress,
        matched: 0,
        changed: 0,
        failed: 0,
        error: None,
        created_by: ctx.caller.actor.stored(),
        created_at: now,
        updated_at: now,
        busy_until: None,
        epoch: 0,
    };
    let row = runs::ActiveModel {
        id: Set(run.id),
        kind: Set(run.kind.name().to_owned()),
        status: Set(run.status.name().to_owned()),
        object_id: Set(run.object),
        params: Set(guarded(ctx, run.object, &run.params)?),
        progress: Set(guarded(ctx, run.object, &run.progress)?),
        matched: Set(0),
        changed: Set(0),
        failed: Set(0),
        error: Set(None),
        created_by: Set(run.created_by.clone()),
        created_at: Set(now),
        updated_at: Set(now),
        epoch: Set(0),
        lease_until: Set(None),
        held_by: Set(None),
        request: Set(Some(ctx.caller.request.clone())),
    };
    runs::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(run)
}

/// Claims a run to start or continue it. `None` if it is over, or another process has claimed it. A worker that took a
/// job over takes the run from the worker that had the job.
pub async fn claim(ctx: &Ctx, id: RunId) -> Result<Option<Run>> {
    let now = ctx.caller.clock.micros();
    let job = ctx.db.fence().map(|fence| fence.work);
    let free = Cond::any()
        .add(runs::Column::LeaseUntil.is_null())
        .add(runs::Column::LeaseUntil.lte(now))
        .add_option(job.map(|job| runs::Column::HeldBy.eq(job)));
    // a transaction, so that a worker that has lost its job claims nothing
    let tx = ctx.db.begin_write().await?;
    let claimed = runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value(RunStatus::Running.name()))
        .col_expr(runs::Column::Epoch, Expr::col(runs::Column::Epoch).add(1))
        .col_expr(runs::Column::LeaseUntil, Expr::value(now + LEASE))
        .col_expr(runs::Column::HeldBy, Expr::value(job))
        .col_expr(runs::Column::UpdatedAt, Expr::value(now))
        .filter(runs::Column::Id.eq(id))
        .filter(runs::Column::Status.is_in([RunStatus::Queued.name(), RunStatus::Running.name()]))
        .filter(free)
        .exec(&tx)
        .await?;
    sea_orm::TransactionSession::commit(tx).await?;
    let run = find(ctx, id).await?;
    Ok((claimed.rows_affected > 0).then_some(run))
}

/// Ends a run as failed whose job was given up, whoever had claimed it.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(ctx: &Ctx, id: RunId, why: &Error) -> Result<()> {
    let reason = format!("It was given up after repeated failures. The last one: {}", why.message());
    let tx = ctx.db.begin_write().await?;
    runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value(RunStatus::Failed.name()))
        .col_expr(runs::Column::Error, Expr::value(reason))
        .col_expr(runs::Column::LeaseUntil, Expr::value(Option::<i64>::None))
        .col_expr(runs::Column::Epoch, Expr::col(runs::Column::Epoch).add(1))
        .col_expr(runs::Column::UpdatedAt, Expr::value(ctx.caller.clock.micros()))
        .filter(runs::Column::Id.eq(id))
        .filter(runs::Column::Status.is_in([RunStatus::Queued.name(), RunStatus::Running.name()]))
        .exec(&tx)
        .await?;
    sea_orm::TransactionSession::commit(tx).await?;
    Ok(())
}

/// Lets a run continue whose job was given up, because somebody asked for another try.
///
/// # Errors
/// When the database does not answer.
pub async fn reopen(ctx: &Ctx, id: RunId) -> Result<()> {
    let tx = ctx.db.begin_write().await?;
    runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value(RunStatus::Queued.name()))
        .col_expr(runs::Column::Error, Expr::value(Option::<String>::None))
        .filter(runs::Column::Id.eq(id))
        .filter(runs::Column::Status.eq(RunStatus::Failed.name()))
        .exec(&tx)
        .await?;
    sea_orm::TransactionSession::commit(tx).await?;
    Ok(())
}

/// Releases an unfinished run, so that any worker may claim it at once.
pub async fn release(ctx: &Ctx, run: &Run) -> Result<()> {
    runs::Entity::update_many()
        .col_expr(runs::Column::LeaseUntil, Expr::value(Option::<i64>::None))
        .filter(runs::Column::Id.eq(run.id))
        .filter(runs::Column::Epoch.eq(run.epoch))
        .exec(&ctx.db)
        .await?;
    Ok(())
}

/// Ends a claimed run, as done or with the reason why it failed.
pub async fn finish(ctx: &Ctx, run: &Run, error: Option<String>) -> Result<Run> {
    let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Done };
    runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value(status.name()))
        .col_expr(runs::Column::Error, Expr::value(error))
        .col_expr(runs::Column::LeaseUntil, Expr::value(Option::<i64>::None))
        .col_expr(runs::Column::UpdatedAt, Expr::value(ctx.caller.clock.micros()))
        .filter(runs::Column::Id.eq(run.id))
        .filter(runs::Column::Epoch.eq(run.epoch))
        .filter(runs::Column::Status.eq(RunStatus::Running.name()))
        .exec(&ctx.db)
        .await?;
    find(ctx, run.id).await
}

/// Cancels a run that is not over. What it did so far is kept, and can be undone.
///
/// # Errors
/// `NOT_FOUND`, also if the caller may not see it; `CONFLICT` if it is over.
pub async fn cancel(ctx: &Ctx, id: RunId) -> Result<Run> {
    load(ctx, id).await?;
    let stopped = runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value(RunStatus::Cancelled.name()))
        .col_expr(runs::Column::LeaseUntil, Expr::value(Option::<i64>::None))
        .col_expr(runs::Column::UpdatedAt, Expr::value(ctx.caller.clock.micros()))
        .filter(runs::Column::Id.eq(id))
        .filter(runs::Column::Status.is_in([RunStatus::Queued.name(), RunStatus::Running.name()]))
        .exec(&ctx.db)
        .await?;
    let run = find(ctx, id).await?;
    if stopped.rows_affected == 0 && run.status != RunStatus::Cancelled {
        return Err(Error::new(Code::Conflict, "The run is already over.").with("status", run.status.name()));
    }
    Ok(run)
}

/// Stores the progress of a run, in the transaction of its rows.
///
/// # Errors
/// `CANCELLED` if it was cancelled meanwhile, `CONFLICT` if another process has claimed it: then the rows must not be
/// committed.
pub(crate) async fn advance(ctx: &Ctx, tx: &TenantTx, run: &Run, by: Advance) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let noted = runs::Entity::update_many()
        .col_expr(runs::Column::Progress, Expr::value(guarded(ctx, run.object, &by.progress)?))
        .col_expr(runs::Column::Matched, Expr::col(runs::Column::Matched).add(by.matched))
        .col_expr(runs::Column::Changed, Expr::col(runs::Column::Changed).add(by.changed))
        .col_expr(runs::Column::Failed, Expr::col(runs::Column::Failed).add(by.failed))
        .col_expr(runs::Column::LeaseUntil, Expr::value(now + LEASE))
        .col_expr(runs::Column::UpdatedAt, Expr::value(now))
        .filter(runs::Column::Id.eq(run.id))
        .filter(runs::Column::Epoch.eq(run.epoch))
        .filter(runs::Column::Status.eq(RunStatus::Running.name()))
        .exec(tx)
        .await?;
    if noted.rows_affected > 0 {
        return Ok(());
    }
    let now = runs::Entity::find_by_id(run.id).one(tx).await?;
    match now.map(|row| RunStatus::named(&row.status)) {
        Some(RunStatus::Cancelled) => Err(Error::of(Code::Cancelled)),
        _ => Err(Error::new(Code::Conflict, "Another process is working on this run.")),
    }
}

/// The task and progress of a run may contain values of encrypted fields.
fn guarded(ctx: &Ctx, object: Option<ObjectId>, reported: &Json) -> Result<String> {
    let object = object.and_then(|id| ctx.catalog.object_by_id(id));
    sealing::guarded(ctx.db.key(), object, GUARDED, reported.to_string())
}

/// The context in which a run writes. Its commits name the run and the member who started it, with that member's
/// present permissions.
///
/// # Errors
/// `FORBIDDEN` if they are no longer a member.
pub async fn in_run(ctx: &Ctx, run: &Run) -> Result<Ctx> {
    let mut caller = (*ctx.caller).clone();
    caller.run = Some(run.id);
    let actor = Actor::from_stored(&run.created_by)?;
    if actor != caller.actor {
        let access = access::of_actor(&ctx.db, actor).await?;
        let gone = || Error::new(Code::Forbidden, "The user who started this run is no longer a member.");
        caller.access = Arc::new(access.ok_or_else(gone)?);
        caller.actor = actor;
    }
    Ok(Ctx { caller: Arc::new(caller), ..ctx.clone() })
}

impl Run {
    fn of(ctx: &Ctx, row: runs::Model) -> Result<Self> {
        let read = |text| {
            let clear = sealing::unguarded(ctx.db.key(), GUARDED, text)?;
            serde_json::from_str(&clear).map_err(Error::internal)
        };
        Ok(Self {
            id: row.id,
            kind: RunKind::named(&row.kind)?,
            status: RunStatus::named(&row.status),
            object: row.object_id,
            params: read(row.params)?,
            progress: read(row.progress)?,
            matched: row.matched,
            changed: row.changed,
            failed: row.failed,
            error: row.error,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            busy_until: row.lease_until,
            epoch: row.epoch,
        })
    }
}

impl RunKind {
    const ALL: [RunKind; 5] = [RunKind::Import, RunKind::Update, RunKind::Archive, RunKind::Undo, RunKind::Samples];

    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            RunKind::Import => "IMPORT",
            RunKind::Update => "UPDATE",
            RunKind::Archive => "ARCHIVE",
            RunKind::Undo => "UNDO",
            RunKind::Samples => "SAMPLES",
        }
    }

    fn named(name: &str) -> Result<Self> {
        RunKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::internal(format!("a run of unknown kind {name}")))
    }
}

impl RunStatus {
    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::Queued => "QUEUED",
            RunStatus::Running => "RUNNING",
            RunStatus::Done => "DONE",
            RunStatus::Failed => "FAILED",
            RunStatus::Cancelled => "CANCELLED",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "QUEUED" => RunStatus::Queued,
            "RUNNING" => RunStatus::Running,
            "DONE" => RunStatus::Done,
            "CANCELLED" => RunStatus::Cancelled,
            _ => RunStatus::Failed,
        }
    }

    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, RunStatus::Done | RunStatus::Failed | RunStatus::Cancelled)
    }
}
