//! Undoes a run by its history, newest change first. Records that others changed since are skipped and listed. Undoing
//! is a run itself, so it can be continued and undone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use entities::ids::{ObjectId, RecordId, RunId};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenants::{
    Access, Caller, Issue, TenantTx, access,
    error::{Code, Error, Result},
    work::{NewWork, enqueue},
};

use super::{
    Advance, ContinueRun, MOST_AT_ONCE, NewRun, Run, RunKind, RunStatus, StepResult, advance, create_in, find, in_run,
    load, step,
    undo_links::{self, Touched},
    visibility,
};
use crate::{
    Ctx,
    engine::{
        Change, Draft, Mutation, WriteKind, history,
        write::{Lock, Source, WriteTransaction, lock},
    },
    sql::{List, Sql},
    values::{self, Converted},
};

/// Changes undone in one transaction.
const BATCH: i64 = 2_000;
/// Bytes of history undone in one transaction; where links were changed, a single change may be long.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Most skipped records that the report names.
const NAMED: usize = 1_000;
/// When a worker checks whether this process finished the undo it started, in microseconds.
const LATER: i64 = 10_000_000;

/// The result of an undo.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoReport {
    /// The run that undid; it can be undone in turn.
    #[serde(rename = "runId")]
    pub run: RunId,
    /// Its status: `Done`, or `Queued` or `Running` while workers do it.
    pub status: RunStatus,
    /// Changes undone.
    pub undone: i64,
    /// Changes skipped.
    pub skipped: i64,
    /// The first 1 000 skipped records, each once, with the reason of its newest change.
    pub records: Vec<LeftAlone>,
}

/// A skipped record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftAlone {
    /// Name of its object; `None` if that was deleted.
    pub object: Option<String>,
    /// Which record.
    pub id: RecordId,
    /// Why: `DESTROYED`, `CHANGED_SINCE`, `GONE` (its object was deleted), `TAKEN` (another record has its unique
    /// value), `TYPE_CHANGED` (its value does not fit the field's present type), or the error code of the refusal.
    pub reason: String,
}

/// The same, as the run stores it.
#[derive(Clone, Serialize, Deserialize)]
struct Skipped {
    object: ObjectId,
    record: RecordId,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    run: RunId,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    /// The last change processed: its commit, and its place within the commit.
    before: Option<(i64, i64)>,
    skipped: Vec<Skipped>,
}

/// A change to undo.
struct UndoStep {
    seq: i64,
    n: i64,
    object: ObjectId,
    record: RecordId,
    kind: WriteKind,
    diff: Option<String>,
}

/// Undoes a run. If it made few changes, this returns when they are undone; more are left to the workers, and the report
/// says `Queued`. If this process dies, another one finishes it.
///
/// # Errors
/// `NOT_FOUND`, also if the caller may not see it; `FORBIDDEN` if the caller may do what the run did but not undo it;
/// `CONFLICT` while the run is not over.
pub async fn undo(ctx: &Ctx, run: RunId) -> Result<UndoReport> {
    let source = load(ctx, run).await?;
    if !source.status.is_over() {
        return Err(Error::new(Code::Conflict, "The run is not over. Cancel it first, then undo it."));
    }
    visibility::demand_undo(ctx, &source)?;
    if !history::retention::reaches_back_to(&ctx.db, source.created_at).await? {
        return Err(Error::new(Code::Conflict, "The changes of this run are no longer kept, so it cannot be undone."));
    }
    let now = ctx.caller.clock.micros();
    let tx = ctx.db.begin_write().await?;
    let params = serde_json::to_value(Params { run }).map_err(Error::internal)?;
    let new = NewRun { kind: RunKind::Undo, object: source.object, params, progress: json!({}) };
    let undo = create_in(ctx, &tx, new).await?;
    let few = is_small(&tx, run).await?;
    let due = if few { now + LATER } else { now };
    enqueue(&ctx.db, &tx, NewWork::of(&ContinueRun { run: undo.id }, due)?, now).await?;
    sea_orm::TransactionSession::commit(tx).await?;
    if few {
        while step(ctx, undo.id).await? == StepResult::More {}
    } else {
        ctx.db.tickets().wake();
    }
    undo_report(ctx, undo.id).await
}

/// Whether the changes of a run are few enough to be undone while somebody waits.
async fn is_small(tx: &TenantTx, run: RunId) -> Result<bool> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT count(*) FROM (SELECT 1 FROM ").table("commits").push(" AS c JOIN ").table("changes");
    sql.push(" AS h ON h.commit_id = c.id WHERE c.run = ").bind(run.0);
    sql.push(" LIMIT ").number(MOST_AT_ONCE as i64 + 1).push(") AS few");
    let (text, binds) = sql.into_parts();
    let row = tx.query_one_raw(tx.statement(text, binds)).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(count <= MOST_AT_ONCE as i64)
}

/// How far an undo is.
///
/// # Errors
/// `NOT_FOUND` if there is no such run.
pub async fn undo_report(ctx: &Ctx, run: RunId) -> Result<UndoReport> {
    report(ctx, &find(ctx, run).await?)
}

fn report(ctx: &Ctx, run: &Run) -> Result<UndoReport> {
    let progress: Progress = serde_json::from_value(run.progress.clone()).map_err(Error::internal)?;
    let left_alone = |Skipped { object, record, reason }| {
        let object = ctx.catalog.object_by_id(object).map(|object| object.name.clone());
        LeftAlone { object, id: record, reason }
    };
    Ok(UndoReport {
        run: run.id,
        status: run.status,
        undone: run.changed,
        skipped: run.failed,
        records: progress.skipped.into_iter().map(left_alone).collect(),
    })
}

/// Undoes the next changes. Returns whether there may be more.
pub(super) async fn batch(ctx: &Ctx, run: &Run) -> Result<bool> {
    let params: Params = serde_json::from_value(run.params.clone()).map_err(Error::internal)?;
    let mut progress: Progress = serde_json::from_value(run.progress.clone()).map_err(Error::internal)?;
    let ctx = in_run(ctx, run).await?;
    still_allowed(&ctx, params.run).await?;
    let mut write = WriteTransaction::begin(&ctx).await?;
    let (steps, more) = journal(&write.tx, params.run, progress.before).await?;
    let there = lock_all(&write, &steps).await?;
    let ours = [params.run, run.id];
    let theirs = changed_by_others(&write.tx, &steps, ours).await?;
    let changed_since = |step: &&UndoStep| theirs.get(&step.record).is_some_and(|seq| *seq > step.seq);
    let shared: HashSet<RecordId> = steps.iter().filter(changed_since).map(|step| step.record).collect();
    let first = steps.last().map_or(0, |step| step.seq);
    let touched = Touched::read(&ctx, &write.tx, &shared, first, ours).await?;
    let mut skipped = Vec::new();
    let mut mutations = Vec::with_capacity(steps.len());
    let mut taken_back = Vec::with_capacity(steps.len());
    for step in &steps {
        let reverse = match ctx.catalog.object_by_id(step.object) {
            None => Err("GONE"),
            Some(_) if !there.contains(&step.record) => Err("DESTROYED"),
            Some(_) if changed_since(&step) => links_alone(&ctx, step, touched.as_ref())?.ok_or("CHANGED_SINCE"),
            Some(_) => reverse(&ctx, step)?,
        };
        match reverse {
            Ok(change) => {
                mutations.push(Mutation { object: step.object, change });
                taken_back.push(step);
            }
            Err(reason) => skipped.push(skip(step, reason)),
        }
    }
    let outcomes = write.apply(mutations, Source::Journal).await?;
    let mut undone = 0;
    for (step, outcome) in taken_back.into_iter().zip(outcomes) {
        match outcome {
            Ok(_) => undone += 1,
            Err(error) => skipped.push(skip(step, reason(&error))),
        }
    }
    progress.before = steps.last().map(|step| (step.seq, step.n)).or(progress.before);
    let failed = skipped.len() as i64;
    for one in skipped {
        let named = progress.skipped.iter().any(|known| known.record == one.record);
        if !named && progress.skipped.len() < NAMED {
            progress.skipped.push(one);
        }
    }
    let by = Advance {
        progress: serde_json::to_value(&progress).map_err(Error::internal)?,
        matched: steps.len() as i64,
        changed: undone,
        failed,
    };
    advance(&ctx, &write.tx, run, by).await?;
    write.commit().await?;
    Ok(more)
}

/// Stops if the caller may no longer undo the run.
async fn still_allowed(ctx: &Ctx, run: RunId) -> Result<()> {
    let access = access::of_actor(&ctx.db, ctx.caller.actor).await?.unwrap_or_else(Access::nothing);
    let caller = Caller { access: Arc::new(access), ..(*ctx.caller).clone() };
    visibility::demand_undo(&Ctx { caller: Arc::new(caller), ..ctx.clone() }, &find(ctx, run).await?)
}

/// The next changes of a run, newest first, and whether there may be more.
async fn journal(tx: &TenantTx, run: RunId, before: Option<(i64, i64)>) -> Result<(Vec<UndoStep>, bool)> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq, h.n, h.object_id, h.record_id, h.kind, h.diff FROM ").table("commits").push(" AS c JOIN ");
    sql.table("changes").push(" AS h ON h.commit_id = c.id WHERE c.run = ").bind(run.0);
    sql.push(" AND h.kind <> 'ROLLUP'");
    if let Some((seq, n)) = before {
        sql.push(" AND c.seq <= ").bind(seq).push(" AND (c.seq < ").bind(seq).push(" OR h.n < ").bind(n).push(")");
    }
    sql.push(" ORDER BY c.seq DESC, h.n DESC LIMIT ").number(BATCH);
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    let step = |row: sea_orm::QueryResult| -> Result<UndoStep> {
        Ok(UndoStep {
            seq: row.try_get_by_index(0)?,
            n: row.try_get_by_index(1)?,
            object: ObjectId(row.try_get_by_index(2)?),
            record: RecordId(row.try_get_by_index(3)?),
            kind: WriteKind::named(&row.try_get_by_index::<String>(4)?),
            diff: row.try_get_by_index(5)?,
        })
    };
    let (read, mut bytes) = (rows.len(), 0);
    let mut steps = Vec::with_capacity(read);
    for row in rows {
        let step = step(row)?;
        bytes += step.diff.as_ref().map_or(0, String::len);
        if bytes > MOST_BYTES && !steps.is_empty() {
            break;
        }
        steps.push(step);
    }
    let more = steps.len() < read || read as i64 == BATCH;
    Ok((steps, more))
}

/// Locks the records before their history is read, so that nobody changes them in between. Returns those that still
/// exist.
async fn lock_all(write: &WriteTransaction<'_>, steps: &[UndoStep]) -> Result<HashSet<RecordId>> {
    let mut records: BTreeMap<ObjectId, Vec<RecordId>> = BTreeMap::new();
    for step in steps {
        records.entry(step.object).or_default().push(step.record);
    }
    let mut there = HashSet::new();
    for (object, ids) in records {
        if let Some(object) = write.ctx.catalog.object_by_id(object) {
            there.extend(lock(write, object, &ids, &[], Lock::Change).await?.into_keys());
        }
    }
    Ok(there)
}

/// The newest change of each record that was not made by these runs.
async fn changed_by_others(tx: &TenantTx, steps: &[UndoStep], runs: [RunId; 2]) -> Result<HashMap<RecordId, i64>> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT h.record_id, max(c.seq) FROM ").table("changes").push(" AS h JOIN ").table("commits");
    sql.push(" AS c ON c.id = h.commit_id WHERE h.record_id");
    sql.one_of(List::Ids(steps.iter().map(|step| step.record.0).collect()));
    sql.push(" AND h.kind <> 'ROLLUP' AND (c.run IS NULL OR c.run NOT IN (")
        .bind(runs[0].0)
        .push(", ")
        .bind(runs[1].0)
        .push("))");
    sql.push(" GROUP BY h.record_id");
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    rows.into_iter().map(|row| Ok((RecordId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
}

/// What undoes a change of links alone, of a record that others changed since; nothing if that is not to be undone.
fn links_alone(ctx: &Ctx, step: &UndoStep, touched: Option<&Touched>) -> Result<Option<Change>> {
    let (Some(diff), Some(touched), WriteKind::Updated) = (&step.diff, touched, step.kind) else { return Ok(None) };
    let diff = history::changed(ctx, step.record, diff)?;
    let values = touched.reverse(ctx, step.record, step.seq, &diff);
    let draft = |values| Draft { values, before: Vec::new() };
    Ok(values.map(|values| Change::Update { id: step.record, draft: draft(values), version: None }))
}

/// The mutation that undoes a change, or why it cannot be undone.
fn reverse(ctx: &Ctx, step: &UndoStep) -> Result<Result<Change, &'static str>> {
    let id = step.record;
    Ok(match step.kind {
        WriteKind::Created | WriteKind::Restored => Ok(Change::Archive { id }),
        WriteKind::Archived => Ok(Change::Restore { id }),
        WriteKind::Updated => {
            let diff = step.diff.as_deref().unwrap_or("{}");
            let diff = history::changed(ctx, id, diff)?;
            let locale = ctx.locale();
            let mut values = Vec::with_capacity(diff.len());
            for (id, (old, new)) in diff {
                let Some(field) = ctx.catalog.field(id).filter(|field| field.usable()) else { continue };
                if undo_links::is_mutual(field) {
                    values.push((id, undo_links::reverse(&old, &new)));
                    continue;
                }
                let kind = field.kind_at(step.seq);
                // options change, and a value that was accepted once may be restored
                let same = kind == &field.kind || field.past.is_empty();
                match if same { Converted::Kept(old) } else { values::convert(kind, field, &old, &locale) } {
                    Converted::Kept(value) | Converted::Coarser(value) => values.push((id, value)),
                    Converted::Lost => return Ok(Err("TYPE_CHANGED")),
                }
            }
            Ok(Change::Update { id, draft: Draft { values, before: Vec::new() }, version: None })
        }
        WriteKind::Destroyed | WriteKind::Rollup | WriteKind::Rebuilt | WriteKind::Unchanged => Err("DESTROYED"),
    })
}

fn skip(step: &UndoStep, reason: &str) -> Skipped {
    Skipped { object: step.object, record: step.record, reason: reason.to_owned() }
}

fn reason(error: &Error) -> &'static str {
    let taken = error.fields().iter().any(|issue| matches!(issue.issue, Issue::Taken(_)));
    if taken { "TAKEN" } else { error.code().name() }
}
