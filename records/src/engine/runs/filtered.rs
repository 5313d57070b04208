//! Changes or archives all records that match a filter: few at once, many as a run in batches.

use std::{collections::BTreeMap, sync::Arc};

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tenants::{
    Caller, Operation,
    error::{Code, Error, Result},
    work::NewWork,
};

use super::{
    Advance, ContinueRun, NewRun, Run, RunKind, RunStatus, advance, claim, create_as, create_in, find, finish, in_run,
    release,
};
use crate::{
    Ctx,
    engine::{
        Change, Draft, WriteKind, WriteOutcome,
        iterate::Walk,
        write::{ATTEMPTS, Source, WriteTransaction, ctx_guard},
    },
    filter::Filter,
    permission,
    values::Value,
};

/// Most records changed in one transaction; more become a background run.
pub const MOST_AT_ONCE: usize = 1_000;
/// Most links changed in one transaction.
const MOST_LINKS: usize = 50_000;
/// Refusals that a run stores with their message.
const REMEMBERED: usize = 100;

/// The result of a change by filter, or its start.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResult {
    /// The run that did it or is doing it; it can be undone.
    pub run: Option<RunId>,
    /// `Done`, or `Queued` if there are many records.
    pub status: RunStatus,
    /// Records that match.
    pub matched: i64,
    /// Records changed so far; records that already had the values do not count.
    pub changed: i64,
    /// Records refused so far.
    pub failed: i64,
}

/// What a run by filter must do.
#[derive(Serialize, Deserialize)]
pub(super) struct Params {
    /// The catalog that its values were parsed with.
    #[serde(default)]
    catalog: i64,
    filter: Filter,
    /// New values; `None` to archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<(FieldId, Value)>>,
}

impl Params {
    /// The records that it is about. `began` is the start of the run, so that "today" means the same in all its batches.
    fn walk(&self, object: ObjectId, began: i64) -> Walk<'_> {
        Walk { object, filter: &self.filter, select: &[], operation: self.operation(), began }
    }

    /// Most records changed in one transaction: fewer where each gets many links.
    fn at_once(&self) -> usize {
        let links = |value: &Value| match value {
            Value::Ids(ids) => ids.len(),
            Value::Pairs(pairs) => pairs.add.len() + pairs.remove.len(),
            _ => 0,
        };
        let links: usize = self.values.iter().flatten().map(|(_, value)| links(value)).sum();
        (MOST_LINKS / links.max(1)).clamp(1, MOST_AT_ONCE)
    }

    fn operation(&self) -> Operation {
        if self.values.is_some() { Operation::Update } else { Operation::Delete }
    }
}

/// The progress of the run.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// The last record processed.
    after: Option<RecordId>,
    /// The first refusals, by record.
    errors: BTreeMap<String, Json>,
}

/// Changes all matching records that are not archived. A record whose new values are refused stays as it is and counts
/// as failed.
///
/// # Errors
/// `EMPTY_FILTER` without a condition, unless `all`.
pub async fn update_where(ctx: &Ctx, object: ObjectId, filter: Filter, draft: Draft, all: bool) -> Result<BulkResult> {
    begin(ctx, object, Params { catalog: ctx.catalog.version, filter, values: Some(draft.values) }, all).await
}

/// Archives all matching records.
///
/// # Errors
/// `EMPTY_FILTER` without a condition, unless `all`.
pub async fn archive_where(ctx: &Ctx, object: ObjectId, filter: Filter, all: bool) -> Result<BulkResult> {
    begin(ctx, object, Params { catalog: ctx.catalog.version, filter, values: None }, all).await
}

async fn begin(ctx: &Ctx, object: ObjectId, params: Params, all: bool) -> Result<BulkResult> {
    let result = begun(ctx, object, params, all).await;
    ctx_guard(ctx, result).await
}

async fn begun(ctx: &Ctx, object: ObjectId, params: Params, all: bool) -> Result<BulkResult> {
    if params.filter.is_empty() && !all {
        return Err(Error::of(Code::EmptyFilter));
    }
    let target = ctx.catalog.object_by_id(object);
    let target = target.ok_or_else(|| Error::new(Code::NotFound, "There is no such object."))?;
    let operation = params.operation();
    let kind = if operation == Operation::Update { RunKind::Update } else { RunKind::Archive };
    permission::permit(ctx, target, operation)?;
    let fields: Vec<FieldId> = params.values.iter().flatten().map(|(id, _)| *id).collect();
    permission::see_all(ctx, &fields)?;
    let now = ctx.caller.clock.micros();
    let matched = params.walk(object, now).count(ctx).await?;
    let most = params.at_once() as i64;
    let new = NewRun {
        kind,
        object: Some(object),
        params: serde_json::to_value(&params).map_err(Error::internal)?,
        progress: json!({}),
    };
    let run = if matched <= most { at_once(ctx, new).await? } else { queued(ctx, new).await? };
    Ok(BulkResult {
        run: Some(run.id),
        status: run.status,
        matched: run.matched.max(matched),
        changed: run.changed,
        failed: run.failed,
    })
}

/// Leaves a large run to the workers.
async fn queued(ctx: &Ctx, new: NewRun) -> Result<Run> {
    let mut write = WriteTransaction::begin(ctx).await?;
    let run = create_in(ctx, &write.tx, new).await?;
    write.enqueue(work(&run)?).await?;
    write.commit().await?;
    Ok(run)
}

/// Does a small run in the transaction that creates it, so a crash leaves all of it or nothing.
async fn at_once(ctx: &Ctx, new: NewRun) -> Result<Run> {
    let mut attempt = 1;
    loop {
        match in_one(ctx, new.clone()).await {
            Err(error) if attempt < ATTEMPTS && error.code() == Code::Busy => attempt += 1,
            other => return other,
        }
    }
}

async fn in_one(ctx: &Ctx, new: NewRun) -> Result<Run> {
    let mut refused = Refused::new();
    loop {
        if let Some(run) = without(ctx, new.clone(), &mut refused).await? {
            return Ok(run);
        }
    }
}

/// The same, but for records that are known to be refused; nothing where there are more of those.
async fn without(ctx: &Ctx, new: NewRun, refused: &mut Refused) -> Result<Option<Run>> {
    let id = RunId::new();
    let caller = Caller { run: Some(id), ..(*ctx.caller).clone() };
    let ctx = &Ctx { caller: Arc::new(caller), ..ctx.clone() };
    let mut write = WriteTransaction::begin(ctx).await?;
    create_as(write.inside(), &write.tx, id, new).await?;
    let inside = write.inside().clone();
    let run = claim(&inside, id).await?.ok_or_else(|| Error::internal("a new run is already claimed"))?;
    let Some(more) = some(&mut write, &run, refused).await? else {
        write.rollback().await?;
        return Ok(None);
    };
    let run = if more {
        // a few more records may match than were counted
        release(&inside, &run).await?;
        write.enqueue(work(&run)?).await?;
        find(&inside, id).await?
    } else {
        finish(&inside, &run, None).await?
    };
    write.commit().await?;
    Ok(Some(run))
}

/// Queues the continuation of a run.
fn work(run: &Run) -> Result<NewWork> {
    NewWork::of(&ContinueRun { run: run.id }, run.created_at)
}

/// Does the next batch of a run by filter. Returns whether there may be more.
pub(super) async fn batch(ctx: &Ctx, run: &Run) -> Result<bool> {
    let ctx = in_run(ctx, run).await?;
    let mut refused = Refused::new();
    loop {
        let mut write = WriteTransaction::begin(&ctx).await?;
        match some(&mut write, run, &mut refused).await? {
            Some(more) => {
                write.commit().await?;
                return Ok(more);
            }
            None => write.rollback().await?,
        }
    }
}

/// Records whose follow-up writes are refused, and why.
type Refused = BTreeMap<RecordId, Json>;

/// Writes the next batch of a run without the records that are known to be refused, and returns whether there may be
/// more. `None` if more records turn out to be refused: then the transaction must be rolled back.
async fn some(write: &mut WriteTransaction<'_>, run: &Run, refused: &mut Refused) -> Result<Option<bool>> {
    let ctx = write.ctx;
    let params: Params = serde_json::from_value(run.params.clone()).map_err(Error::internal)?;
    let mut progress: Progress = serde_json::from_value(run.progress.clone()).map_err(Error::internal)?;
    let object = run.object.and_then(|id| ctx.catalog.object_by_id(id));
    let object = object.ok_or_else(|| Error::new(Code::NotFound, "The object of this run was deleted."))?;
    refuse_retyped(ctx, &params)?;
    let most = params.at_once();
    let rows = params.walk(object.id, run.created_at).batch(write.inside(), progress.after, most).await?;
    let ids: Vec<RecordId> = rows.into_iter().map(|row| row.id).collect();
    let tried: Vec<RecordId> = ids.iter().copied().filter(|id| !refused.contains_key(id)).collect();
    let changes = tried.iter().map(|id| match &params.values {
        Some(values) => {
            let draft = Draft { values: values.clone(), before: Vec::new() };
            Change::Update { id: *id, draft, version: None }
        }
        None => Change::Archive { id: *id },
    });
    let outcomes = write.run(object.id, changes.collect(), Source::Caller).await?;
    let mut written: Vec<WriteOutcome> = Vec::with_capacity(ids.len());
    let mut failed = ids.len() as i64 - tried.len() as i64;
    for (id, why) in ids.iter().filter_map(|id| refused.get_key_value(id)) {
        if progress.errors.len() < REMEMBERED {
            progress.errors.insert(id.to_string(), why.clone());
        }
    }
    for (id, outcome) in tried.iter().zip(outcomes) {
        match outcome {
            Ok(one) => written.push(one),
            Err(error) => {
                failed += 1;
                if progress.errors.len() < REMEMBERED {
                    progress.errors.insert(id.to_string(), to_json(&error));
                }
            }
        }
    }
    let more = write.after_write(&written).await?;
    if !more.is_empty() {
        refused.extend(more.into_iter().map(|(place, error)| (written[place].id, to_json(&error))));
        return Ok(None);
    }
    let changed = written.iter().filter(|one| one.kind != WriteKind::Unchanged).count() as i64;
    progress.after = ids.last().copied().or(progress.after);
    let by = Advance {
        progress: serde_json::to_value(&progress).map_err(Error::internal)?,
        matched: ids.len() as i64,
        changed,
        failed,
    };
    advance(ctx, &write.tx, run, by).await?;
    Ok(Some(ids.len() == most))
}

/// Values and conditions mean what the types of their fields said when the run began.
fn refuse_retyped(ctx: &Ctx, params: &Params) -> Result<()> {
    let mut fields: Vec<FieldId> = params.values.iter().flatten().map(|(id, _)| *id).collect();
    params.filter.visit(&mut |field| fields.push(field));
    let retyped = fields.into_iter().filter_map(|id| ctx.catalog.field(id)).find(|f| f.retyped_since(params.catalog));
    match retyped {
        None => Ok(()),
        Some(field) => {
            let message = format!("The type of `{}` was changed since the run began. Start the run again.", field.name);
            Err(Error::new(Code::Conflict, message))
        }
    }
}

/// A refusal as a run stores it.
fn to_json(error: &Error) -> Json {
    let fields: Vec<Json> =
        error.fields().iter().map(|issue| json!({ "field": issue.field, "code": issue.issue.code() })).collect();
    json!({ "code": error.code().name(), "fields": fields })
}
