//! One writing transaction in the making: what was done so far, and how it ends.

use std::collections::{BTreeMap, HashMap, HashSet};

use entities::ids::{CommitId, FieldId, ObjectId, RecordId};
use sea_orm::TransactionSession;
use tenants::{
    Operation, TenantTx,
    error::{Code, Error, FieldIssue, Result},
    security_log::{self, Event},
    work::{NewWork, enqueue},
};

use super::{super::Change, MatchKey, Mutation, Numbers, Source, WriteOutcome};
use crate::{
    Ctx,
    catalog::Object,
    engine::{
        Draft, WriteKind,
        commit::{self, Entry},
        history,
        rollups::{Changes, Rollups},
    },
    permission,
    values::Value,
};

/// A write transaction: records, history, the work they ask for and lines of the security log commit together or not at
/// all. What is read meanwhile is read inside it, by [`WriteTransaction::inside`].
pub struct WriteTransaction<'a> {
    /// The request as it was planned.
    pub(crate) ctx: &'a Ctx,
    /// The same inside the transaction.
    pub(super) inside: Ctx,
    pub(crate) tx: TenantTx,
    /// The commit's id, known beforehand so that changes can name it.
    pub(crate) commit: CommitId,
    /// The instant of everything written, microseconds UTC.
    pub(crate) now: i64,
    /// Who writes, as stored.
    pub(crate) actor: String,
    pub(super) numbers: Numbers,
    pub(super) entries: Vec<Entry>,
    /// Values of unique fields that nobody has, as the rows to be written next were just looked up by.
    pub(super) free: HashMap<FieldId, HashSet<MatchKey>>,
    pub(crate) rollups: Rollups,
    /// Work was asked for: the workers are told once it is committed.
    asked: bool,
}

/// A record on its way through the pipeline.
pub(crate) struct Row {
    /// Its place in the call.
    pub index: usize,
    pub id: RecordId,
    pub draft: Draft,
    pub version: Option<i64>,
}

/// What became of the rows of a call, by place.
pub(crate) type Outcomes = Vec<(usize, Result<WriteOutcome>)>;

impl<'a> WriteTransaction<'a> {
    /// Begins. Automatic numbers of new records are taken inside it; [`apply`](super::apply) takes them beforehand, so
    /// that others do not wait for them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(ctx: &'a Ctx) -> Result<Self> {
        Self::begin_with(ctx, Numbers::none(ctx)).await
    }

    /// Begins; the numbers were taken before, since their counter must not wait for this transaction.
    pub(crate) async fn begin_with(ctx: &'a Ctx, numbers: Numbers) -> Result<Self> {
        let (inside, tx) = ctx.begin_write().await?;
        Ok(Self {
            ctx,
            inside,
            tx,
            commit: CommitId::new(),
            now: ctx.caller.clock.micros(),
            actor: ctx.caller.actor.stored(),
            numbers,
            entries: Vec::new(),
            free: HashMap::new(),
            rollups: Rollups::default(),
            asked: false,
        })
    }

    /// The request inside the transaction: services that are given this read what it has written so far.
    pub fn inside(&self) -> &Ctx {
        &self.inside
    }

    /// Does mutations in their order on behalf of the caller, with what rules want written with them.
    ///
    /// # Errors
    /// The refusal of any of them; the transaction is of no use then.
    pub async fn write(&mut self, mutations: Vec<Mutation>) -> Result<Vec<WriteOutcome>> {
        let many = mutations.len() > 1;
        let written = all(self.apply(mutations, Source::Caller).await?, many)?;
        match self.after_write(&written).await?.into_iter().next() {
            Some((index, error)) if many => Err(error.with("index", index)),
            Some((_, error)) => Err(error),
            None => Ok(written),
        }
    }

    /// Asks for work, to be done once this is committed.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn enqueue(&mut self, work: NewWork) -> Result<()> {
        enqueue(&self.ctx.db, &self.tx, work, self.now).await?;
        self.asked = true;
        Ok(())
    }

    /// Writes a line of the security log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(&mut self, event: Event) -> Result<()> {
        security_log::note(&self.tx, event, self.now).await
    }

    /// Writes records of one object; their order does not matter, and no record may appear twice. A row that is refused
    /// leaves nothing behind.
    pub(crate) async fn run(
        &mut self,
        object: ObjectId,
        changes: Vec<Change>,
        source: Source,
    ) -> Result<Vec<Result<WriteOutcome>>> {
        let object = self.object(object)?;
        let mut out = Outcomes::with_capacity(changes.len());
        let [mut create, mut update, mut archive, mut restore, mut destroy] = [const { Vec::new() }; 5];
        for (index, change) in changes.into_iter().enumerate() {
            let row = |id, draft, version| Row { index, id, draft, version };
            match change {
                Change::Create { id, draft } => create.push(row(id, draft, None)),
                Change::Update { id, draft, version } => update.push(row(id, draft, version)),
                Change::Archive { id } => archive.push(row(id, Draft::default(), None)),
                Change::Restore { id } => restore.push(row(id, Draft::default(), None)),
                Change::Destroy { id } => destroy.push(row(id, Draft::default(), None)),
            }
        }
        self.destroy(object, destroy, source, &mut out).await?;
        self.archive(object, archive, source, &mut out).await?;
        self.update(object, update, source, &mut out).await?;
        self.restore(object, restore, source, &mut out).await?;
        self.create(object, create, source, &mut out).await?;
        out.sort_by_key(|(index, _)| *index);
        Ok(out.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// Does mutations in their order.
    pub(crate) async fn apply(
        &mut self,
        mutations: Vec<Mutation>,
        source: Source,
    ) -> Result<Vec<Result<WriteOutcome>>> {
        let mut out = Vec::with_capacity(mutations.len());
        for (object, changes) in groups(mutations) {
            out.extend(self.run(object, changes, source).await?);
        }
        Ok(out)
    }

    /// Notes a change for the history.
    pub(crate) fn journal(&mut self, object: ObjectId, record: RecordId, kind: WriteKind, diff: Option<String>) {
        self.entries.push(Entry { object, record: Some(record), kind, diff });
    }

    /// Notes changed rollups for the feed. A record that was created or destroyed here has an entry that says more.
    pub(crate) fn note_rollups(&mut self, changes: Changes) -> Result<()> {
        let whole = |entry: &&Entry| matches!(entry.kind, WriteKind::Created | WriteKind::Destroyed);
        let told: HashSet<(ObjectId, RecordId)> =
            self.entries.iter().filter(whole).filter_map(|entry| Some((entry.object, entry.record?))).collect();
        let value = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
        for ((object, record), fields) in changes.into_iter().filter(|(of, _)| !told.contains(of)) {
            let diff: BTreeMap<FieldId, (Value, Value)> =
                fields.into_iter().map(|(field, (old, new))| (field, (value(old), value(new)))).collect();
            let diff = serde_json::to_string(&diff).map_err(Error::internal)?;
            self.journal(object, record, WriteKind::Rollup, Some(diff));
        }
        Ok(())
    }

    /// Takes the values out of the history of records that this transaction destroys, and out of what it noted of them.
    pub(super) async fn erase(&mut self, object: ObjectId, records: &[RecordId]) -> Result<()> {
        let of_them =
            |entry: &&mut Entry| entry.object == object && entry.record.is_some_and(|record| records.contains(&record));
        for entry in self.entries.iter_mut().filter(of_them) {
            entry.diff = None;
        }
        history::erase(&self.tx, object, records).await
    }

    /// Writes the totals, which may have to wait for others: before anything that cannot be taken back.
    pub(crate) async fn flush_rollups(&mut self) -> Result<()> {
        Rollups::apply(self).await
    }

    /// Rollups, history, clock, commit. Where nothing was written, nothing is noted.
    ///
    /// # Errors
    /// `STALE_CATALOG` when the catalog is no longer the one that this was planned with.
    pub async fn commit(mut self) -> Result<()> {
        self.flush_rollups().await?;
        let followed = !self.entries.is_empty() && self.ctx.db.tickets().are_commits_followed();
        if self.entries.is_empty() {
            if commit::catalog_version(&self.tx).await? != self.ctx.catalog.version {
                return Err(Error::of(Code::StaleCatalog));
            }
        } else {
            commit::note(self.ctx, &self.tx, self.commit, self.now, self.entries).await?;
        }
        self.tx.commit().await?;
        if self.asked || followed {
            self.ctx.db.tickets().wake();
        }
        Ok(())
    }

    /// Leaves nothing behind.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rollback(self) -> Result<()> {
        self.tx.rollback().await?;
        Ok(())
    }

    /// Refuses what the caller may not do; rules and undo are not asked.
    pub(super) fn permit(&self, object: &Object, operation: Operation, source: Source) -> Result<()> {
        match source {
            Source::Caller => permission::permit(self.ctx, object, operation).map(drop),
            _ => Ok(()),
        }
    }

    /// Which of these records, just locked, the caller may not do this to, and how that is told.
    pub(super) async fn refusals(
        &self,
        object: &Object,
        ids: &[RecordId],
        operation: Operation,
        source: Source,
    ) -> Result<HashMap<RecordId, Error>> {
        match source {
            Source::Caller => permission::refusals(self.ctx, &self.tx, object, operation, ids).await,
            _ => Ok(HashMap::new()),
        }
    }

    pub(super) fn object(&self, id: ObjectId) -> Result<&'a Object> {
        let object = self.ctx.catalog.object_by_id(id);
        let object = object.ok_or_else(|| Error::new(Code::NotFound, "There is no such object."))?;
        if !object.writable {
            let message = format!("{} is not written as a record; it has operations of its own.", object.name);
            return Err(Error::new(Code::BadRequest, message));
        }
        Ok(object)
    }
}

/// Neighbours that can be written at once: same object, same kind of change, no record twice.
fn groups(mutations: Vec<Mutation>) -> Vec<(ObjectId, Vec<Change>)> {
    let mut groups: Vec<(ObjectId, Vec<Change>)> = Vec::new();
    let mut seen = HashSet::new();
    for Mutation { object, change } in mutations {
        let fits = groups.last().is_some_and(|(of, changes)| {
            *of == object
                && changes.first().is_some_and(|first| std::mem::discriminant(first) == std::mem::discriminant(&change))
                && !seen.contains(&change.id())
        });
        if !fits {
            seen.clear();
            groups.push((object, Vec::new()));
        }
        seen.insert(change.id());
        if let Some((_, changes)) = groups.last_mut() {
            changes.push(change);
        }
    }
    groups
}

/// All or the refusal: of several, every complaint about a value, with its place if there are `many` rows.
pub(crate) fn all(outcomes: Vec<Result<WriteOutcome>>, many: bool) -> Result<Vec<WriteOutcome>> {
    let mut written = Vec::with_capacity(outcomes.len());
    let mut issues = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(one) => written.push(one),
            Err(error) if error.code() == Code::ValidationFailed => {
                issues.extend(error.fields().iter().map(|issue| FieldIssue {
                    field: if many { format!("data.{index}.{}", issue.field) } else { issue.field.clone() },
                    issue: issue.issue.clone(),
                }));
            }
            Err(error) if many => return Err(error.with("index", index)),
            Err(error) => return Err(error),
        }
    }
    if issues.is_empty() { Ok(written) } else { Err(Error::invalid(issues)) }
}
