//! Batches of an import: many rows in few statements, where a bad row never fails the others. Rows, history and the
//! run's progress commit together, so a run that crashed continues without writing anything twice.

use std::collections::HashSet;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Dialect, Issue, Operation,
    error::{Code, Error, FieldIssue, Result},
};

use super::{
    Change, Draft, WriteKind, WriteOutcome,
    dry_run::DryRun,
    runs::{self, Advance, Run},
    write::{ATTEMPTS, Match, MatchKey, Numbers, Source, WriteTransaction, ctx_guard, match_key},
};
use crate::{Ctx, catalog::Field, permission};

/// Most rows of one batch, which is one transaction.
pub const MAX_BATCH: usize = 2_000;

/// A row of a file.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// Its position in the file.
    pub line: u64,
    /// Its values.
    pub draft: Draft,
}

/// What to do with the rows.
#[derive(Clone, Debug)]
pub struct BatchMode {
    /// Fields that match a row to an existing record; any of them, in this order.
    pub match_on: Vec<FieldId>,
    /// What to do with a matching row.
    pub on_duplicate: OnDuplicate,
    /// Do not write records, only report what would happen. The run continues as if the records had been written.
    pub dry_run: bool,
}

/// What to do with a row that matches an existing record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Leave the record as it is.
    Skip,
    /// Give it the row's values.
    Update,
    /// Create another one.
    Create,
}

/// The result of a row.
#[derive(Clone, Debug)]
pub struct RowOutcome {
    /// Its position in the file.
    pub line: u64,
    /// What was done.
    pub result: RowResult,
}

/// What was done with a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowResult {
    Created(RecordId),
    Updated(RecordId),
    /// The record already had all the values.
    Unchanged(RecordId),
    /// The record was left as it is.
    Skipped(RecordId),
    /// Nothing was written.
    Failed(Vec<FieldIssue>),
}

/// Reports the progress of a run, once the results of the rows are known and before they are committed.
pub type Progress<'a> = &'a mut (dyn FnMut(&[RowOutcome]) -> Result<serde_json::Value> + Send);

/// Writes a batch of a run's rows, in order, together with the run's progress. The run must be claimed
/// ([`runs::claim`]). A row that matches the same record as an earlier row of the batch is handled after it.
///
/// # Errors
/// `CANCELLED` or `CONFLICT` if the run is no longer claimed; then nothing was written. Refused rows are not errors.
pub async fn write_batch(
    ctx: &Ctx,
    run: &Run,
    object: ObjectId,
    rows: Vec<BatchRow>,
    mode: &BatchMode,
    progress: Progress<'_>,
) -> Result<Vec<RowOutcome>> {
    let ctx = runs::in_run(ctx, run).await?;
    let batch = prepare_batch(&ctx, run, object, rows, mode).await?;
    let progress = progress(&batch.outcomes)?;
    batch.commit(progress, 0).await
}

/// Writes a batch as [`write_batch`] does, and leaves the commit to the caller, who can store what must be there when the
/// rows are (an errors file). Others wait for the transaction meanwhile. The context is that of the run
/// ([`runs::in_run`]).
///
/// # Errors
/// If the rows cannot be written. Refused rows are not errors.
pub async fn prepare_batch<'a>(
    ctx: &'a Ctx,
    run: &'a Run,
    object: ObjectId,
    rows: Vec<BatchRow>,
    mode: &BatchMode,
) -> Result<PreparedBatch<'a>> {
    if rows.len() > MAX_BATCH {
        let message = format!("A batch of {} rows is too large; send at most {MAX_BATCH}.", rows.len());
        return Err(Error::new(Code::BadRequest, message));
    }
    let written = written(ctx, run, object, &rows, mode).await;
    let (write, outcomes, dry_run) = ctx_guard(ctx, written).await?;
    Ok(PreparedBatch { ctx, run, rows, outcomes, write, dry_run })
}

/// A batch of rows that are written, and not committed yet. Dropped, it leaves nothing behind.
pub struct PreparedBatch<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    rows: Vec<BatchRow>,
    outcomes: Vec<RowOutcome>,
    write: WriteTransaction<'a>,
    dry_run: Option<DryRun<'a>>,
}

impl PreparedBatch<'_> {
    /// The results of the rows, in order.
    pub fn outcomes(&self) -> &[RowOutcome] {
        &self.outcomes
    }

    /// Commits the rows together with the run's progress. Rows that the caller `refused` itself are added to the run's
    /// counts.
    ///
    /// # Errors
    /// `CANCELLED` or `CONFLICT` if the run is no longer claimed; then nothing was written.
    pub async fn commit(self, progress: serde_json::Value, refused: usize) -> Result<Vec<RowOutcome>> {
        let ctx = self.ctx;
        let committed = self.committed(progress, refused).await;
        ctx_guard(ctx, committed).await
    }

    async fn committed(self, progress: serde_json::Value, refused: usize) -> Result<Vec<RowOutcome>> {
        let Self { ctx, run, rows, outcomes, write, dry_run } = self;
        let total = |wanted: fn(&RowResult) -> bool| outcomes.iter().filter(|one| wanted(&one.result)).count() as i64;
        let by = Advance {
            progress,
            matched: (outcomes.len() + refused) as i64,
            changed: total(|result| matches!(result, RowResult::Created(_) | RowResult::Updated(_))),
            failed: total(|result| matches!(result, RowResult::Failed(_))) + refused as i64,
        };
        if let Some(dry_run) = dry_run {
            write.rollback().await?;
            let tx = ctx.db.begin_write().await?;
            dry_run.note(&tx, &rows, &outcomes).await?;
            runs::advance(ctx, &tx, run, by).await?;
            sea_orm::TransactionSession::commit(tx).await?;
        } else {
            runs::advance(ctx, &write.tx, run, by).await?;
            write.commit().await?;
        }
        Ok(outcomes)
    }
}

/// An open transaction with the rows of a batch, and their results.
type Written<'a> = (WriteTransaction<'a>, Vec<RowOutcome>, Option<DryRun<'a>>);

async fn written<'a>(
    ctx: &'a Ctx,
    run: &Run,
    object: ObjectId,
    rows: &[BatchRow],
    mode: &BatchMode,
) -> Result<Written<'a>> {
    if let Some(object) = ctx.catalog.object_by_id(object) {
        permission::permit(ctx, object, Operation::Import)?;
    }
    let mut attempt = 1;
    loop {
        match attempted(ctx, run, object, rows.to_vec(), mode).await {
            Err(error) if attempt < ATTEMPTS && error.code() == Code::Busy => attempt += 1,
            other => return other,
        }
    }
}

/// Makes PostgreSQL analyze the object's table and the tables that link to it after a bulk write. It would do so itself
/// a minute later, and until then plan for the table as it was before. SQLite plans from its indexes alone.
pub async fn refresh_statistics(ctx: &Ctx, object: ObjectId) -> Result<()> {
    if ctx.db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let links = |field: &Field| field.relation().is_some_and(|relation| relation.to == object);
    let concerned = ctx.catalog.objects.iter().filter(|other| other.id == object || other.fields.iter().any(links));
    for table in concerned.filter(|other| other.writable).map(|other| &other.table) {
        ctx.db.execute_unprepared(&format!(r#"ANALYZE "tenant"."{table}""#)).await?;
    }
    Ok(())
}

/// Writes the rows without committing. If a rule's follow-up write for a row is refused, the row itself is refused and the
/// others are written again without it.
async fn attempted<'a>(
    ctx: &'a Ctx,
    run: &Run,
    object: ObjectId,
    mut rows: Vec<BatchRow>,
    mode: &BatchMode,
) -> Result<Written<'a>> {
    let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
    let mut refused: Vec<RowOutcome> = Vec::new();
    loop {
        match once(ctx, run, object, rows.clone(), mode).await? {
            Attempt::Written(write, mut outcomes, dry_run) => {
                outcomes.append(&mut refused);
                outcomes.sort_by_key(|outcome| lines.iter().position(|line| *line == outcome.line));
                return Ok((*write, outcomes, dry_run));
            }
            Attempt::Refused(more) => {
                rows.retain(|row| more.iter().all(|refused| refused.line != row.line));
                refused.extend(more);
            }
        }
    }
}

/// The result of writing the rows of a batch.
enum Attempt<'a> {
    Written(Box<WriteTransaction<'a>>, Vec<RowOutcome>, Option<DryRun<'a>>),
    /// Nothing is written: a follow-up write of these rows was refused.
    Refused(Vec<RowOutcome>),
}

async fn once<'a>(
    ctx: &'a Ctx,
    run: &Run,
    object: ObjectId,
    rows: Vec<BatchRow>,
    mode: &BatchMode,
) -> Result<Attempt<'a>> {
    // the counters that a dry run uses are rolled back with everything else
    let numbers = if mode.dry_run { Numbers::none(ctx) } else { Numbers::reserve(ctx, object, rows.len()).await? };
    let mut write = WriteTransaction::begin_with(ctx, numbers).await?;
    let mut dry_run = mode.dry_run.then(|| DryRun::new(ctx, run.id, object, mode));
    if let Some(dry_run) = &mut dry_run {
        dry_run.replay(&mut write, &rows).await?;
    }
    let count = rows.len();
    let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
    let mut batch = Batch { object, mode, outcomes: Vec::with_capacity(count), done: Vec::with_capacity(count) };
    let mut waiting: Vec<Placed> = rows.into_iter().enumerate().collect();
    while !waiting.is_empty() {
        waiting = batch.wave(&mut write, waiting).await?;
    }
    let (places, done): (Vec<usize>, Vec<WriteOutcome>) = batch.done.into_iter().unzip();
    let refused = write.after_write(&done).await?;
    if !refused.is_empty() {
        write.rollback().await?;
        let refused = refused.into_iter().map(|(place, error)| {
            let result = RowResult::Failed(refusal(error)?);
            Ok(RowOutcome { line: lines[places[place]], result })
        });
        return Ok(Attempt::Refused(refused.collect::<Result<_>>()?));
    }
    batch.outcomes.sort_by_key(|(index, _)| *index);
    write.flush_rollups().await?;
    let outcomes = batch.outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    Ok(Attempt::Written(Box::new(write), outcomes, dry_run))
}

/// What is wrong with a refused row.
///
/// # Errors
/// Errors that the row did not cause.
fn refusal(error: Error) -> Result<Vec<FieldIssue>> {
    match error.code() {
        Code::ValidationFailed => Ok(error.fields().to_vec()),
        Code::NotFound | Code::Conflict | Code::Forbidden | Code::RulesTooDeep => {
            let issue = Issue::Rule(error.message().to_owned());
            Ok(vec![FieldIssue { field: "id".to_owned(), issue }])
        }
        _ => Err(error),
    }
}

/// A row with its position in the batch.
type Placed = (usize, BatchRow);

/// A batch being written.
struct Batch<'a> {
    object: ObjectId,
    mode: &'a BatchMode,
    outcomes: Vec<(usize, RowOutcome)>,
    /// With its row's place.
    done: Vec<(usize, WriteOutcome)>,
}

impl Batch<'_> {
    /// Writes rows that match different records; returns those that must wait for an earlier row.
    async fn wave(&mut self, write: &mut WriteTransaction<'_>, rows: Vec<Placed>) -> Result<Vec<Placed>> {
        let (now, mut later) = self.apart(write, rows);
        let drafts: Vec<&Draft> = now.iter().map(|(_, row)| &row.draft).collect();
        let matches = match self.mode.match_on.as_slice() {
            [] => vec![Match::Nobody; drafts.len()],
            on => write.matches(self.object, &drafts, on).await?,
        };
        let mut places = Vec::with_capacity(now.len());
        let mut changes = Vec::with_capacity(now.len());
        let mut meant = HashSet::new();
        for ((index, row), found) in now.into_iter().zip(matches) {
            let line = row.line;
            let change = match (found, self.mode.on_duplicate) {
                (Match::One(id), _) if !meant.insert(id) => {
                    later.push((index, row));
                    continue;
                }
                (Match::One(id), OnDuplicate::Skip) => Err(RowResult::Skipped(id)),
                (Match::One(id), OnDuplicate::Update) => Ok(Change::Update { id, draft: row.draft, version: None }),
                (Match::Several(_), OnDuplicate::Skip | OnDuplicate::Update) => {
                    Err(RowResult::Failed(vec![self.ambiguous(write)]))
                }
                (Match::Nobody, _) | (_, OnDuplicate::Create) => {
                    Ok(Change::Create { id: RecordId::new(), draft: row.draft })
                }
            };
            match change {
                Ok(change) => {
                    places.push((index, line));
                    changes.push(change);
                }
                Err(result) => self.outcomes.push((index, RowOutcome { line, result })),
            }
        }
        let outcomes = write.run(self.object, changes, Source::Caller).await?;
        for ((index, line), outcome) in places.into_iter().zip(outcomes) {
            let result = self.result(index, outcome)?;
            self.outcomes.push((index, RowOutcome { line, result }));
        }
        later.sort_by_key(|(index, _)| *index);
        Ok(later)
    }

    /// Splits rows that share no key with an earlier row from those that do.
    fn apart(&self, write: &WriteTransaction<'_>, rows: Vec<Placed>) -> (Vec<Placed>, Vec<Placed>) {
        let fields: Vec<_> = self.mode.match_on.iter().filter_map(|id| write.ctx.catalog.field(*id)).collect();
        if fields.is_empty() || self.mode.on_duplicate == OnDuplicate::Create {
            return (rows, Vec::new());
        }
        let mut seen: HashSet<(FieldId, MatchKey)> = HashSet::with_capacity(rows.len());
        rows.into_iter().partition(|(_, row)| {
            let keys = fields.iter().filter_map(|f| Some((f.id, match_key(f, row.draft.get(f.id)?)?)));
            // keys of waiting rows count too: a row that shares one must wait behind it
            let mut new = true;
            for key in keys {
                new &= seen.insert(key);
            }
            new
        })
    }

    fn result(&mut self, index: usize, outcome: Result<WriteOutcome>) -> Result<RowResult> {
        Ok(match outcome {
            Ok(written) => {
                let id = written.id;
                let result = match written.kind {
                    WriteKind::Created => RowResult::Created(id),
                    WriteKind::Unchanged => RowResult::Unchanged(id),
                    _ => RowResult::Updated(id),
                };
                self.done.push((index, written));
                result
            }
            Err(error) => RowResult::Failed(refusal(error)?),
        })
    }

    fn ambiguous(&self, write: &WriteTransaction<'_>) -> FieldIssue {
        let name = |id: &FieldId| write.ctx.catalog.field(*id).map(|field| field.name.as_str());
        let names: Vec<&str> = self.mode.match_on.iter().filter_map(name).collect();
        let message = format!("Several records match by {}; change the row so that it matches one.", names.join(", "));
        FieldIssue { field: names.first().copied().unwrap_or("id").to_owned(), issue: Issue::Rule(message) }
    }
}
