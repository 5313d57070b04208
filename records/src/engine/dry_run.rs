//! What the batches of a dry run would have written so far. Each batch is rolled back, so a later row could not see
//! that an earlier one has taken a value. Therefore the drafts are stored in the tenant's space with the run's
//! progress, and written again inside a batch that meets one of their values. So rows are checked as in a real run, any
//! process can continue, and nothing is held in memory.

use std::collections::{HashMap, HashSet};

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, TransactionSession};
use sha2::{Digest, Sha256};
use tenants::{
    Dialect, TenantTx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{
    BatchMode, BatchRow, Change, Draft, OnDuplicate, RowOutcome, RowResult, WriteOutcome,
    columns::Column,
    rows,
    write::{Combination, Match, MatchKey, Source, WriteTransaction, combination, match_key},
};
use crate::{
    Ctx,
    catalog::{Field, Object},
    columns::Stored,
    sealing,
    sql::{List, Sql},
};

/// The values that earlier batches would have given to records, by hash.
const KEYS: &str = "dry_run_keys";
/// What they would have written to these records.
const RECORDS: &str = "dry_run_records";
/// The purpose that drafts are sealed for.
pub(crate) const DRAFT: &str = "dry_run";
/// Entries deleted in one transaction.
const FORGOTTEN: i64 = 5_000;

/// A batch of a dry run.
pub(super) struct DryRun<'a> {
    ctx: &'a Ctx,
    run: RunId,
    object: ObjectId,
    /// Fields whose values identify records.
    fields: Vec<&'a Field>,
    /// Fields whose values do so together.
    combined: Vec<Vec<&'a Field>>,
    /// What earlier batches would have written to the records that this one meets.
    known: HashMap<RecordId, Note>,
}

#[derive(Clone)]
struct Note {
    /// The record exists only in the dry run.
    created: bool,
    draft: Draft,
}

impl<'a> DryRun<'a> {
    pub(super) fn new(ctx: &'a Ctx, run: RunId, object: ObjectId, mode: &BatchMode) -> Self {
        let matched = |field: &Field| mode.on_duplicate != OnDuplicate::Create && mode.match_on.contains(&field.id);
        let fields = ctx.catalog.object_by_id(object).into_iter().flat_map(|object| &object.fields);
        let fields = fields.filter(|field| field.usable() && (field.unique || matched(field))).collect();
        let combined = ctx.catalog.object_by_id(object).into_iter().flat_map(Object::combined).collect();
        Self { ctx, run, object, fields, combined, known: HashMap::new() }
    }

    /// Writes again what earlier batches would have written to the records that these rows meet.
    pub(super) async fn replay(&mut self, write: &mut WriteTransaction<'_>, rows: &[BatchRow]) -> Result<()> {
        let keys: Vec<Uuid> = rows.iter().flat_map(|row| self.keys(&row.draft)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let drafts: Vec<&Draft> = rows.iter().map(|row| &row.draft).collect();
        let on: Vec<FieldId> = self.fields.iter().map(|field| field.id).collect();
        let mut met: HashSet<Uuid> = self.holders(&write.tx, keys).await?.into_iter().collect();
        for found in write.matches(self.object, &drafts, &on).await? {
            match found {
                Match::Nobody => {}
                Match::One(id) => met.extend([id.0]),
                Match::Several(ids) => met.extend(ids.iter().map(|id| id.0)),
            }
        }
        self.known = self.notes(&write.tx, met).await?;
        let change = |(id, note): (&RecordId, &Note)| {
            let (id, draft) = (*id, note.draft.clone());
            if note.created { Change::Create { id, draft } } else { Change::Update { id, draft, version: None } }
        };
        let changes: Vec<Change> = self.known.iter().map(change).collect();
        // a draft that others made impossible meanwhile does not exist for these rows either
        let outcomes = write.run(self.object, changes, Source::Caller).await?;
        let written: Vec<WriteOutcome> = outcomes.into_iter().filter_map(Result::ok).collect();
        // they were accepted once
        write.after_write(&written).await?.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Stores what these rows would have written, in the transaction of the run's progress.
    pub(super) async fn note(mut self, tx: &TenantTx, rows: &[BatchRow], outcomes: &[RowOutcome]) -> Result<()> {
        let mut touched: Vec<RecordId> = Vec::new();
        let before: Vec<Uuid> = self.known.keys().map(|id| id.0).collect();
        for (row, outcome) in rows.iter().zip(outcomes) {
            let (id, created) = match outcome.result {
                RowResult::Created(id) => (id, true),
                RowResult::Updated(id) => (id, false),
                RowResult::Unchanged(_) | RowResult::Skipped(_) | RowResult::Failed(_) => continue,
            };
            let note = self.known.entry(id).or_insert_with(|| Note { created, draft: Draft::default() });
            for (field, value) in &row.draft.values {
                note.draft.set(*field, value.clone());
            }
            touched.push(id);
        }
        touched.sort_unstable();
        touched.dedup();
        touched.retain(|id| self.keys(&self.known[id].draft).next().is_some());
        self.replace(tx, &touched, before).await?;
        let pairs = touched.iter().flat_map(|id| self.keys(&self.known[id].draft).map(|key| (key, id.0)));
        self.hold(tx, pairs.collect()).await
    }

    async fn replace(&self, tx: &TenantTx, touched: &[RecordId], before: Vec<Uuid>) -> Result<()> {
        let mut sql = Sql::new(tx.dialect());
        sql.push("DELETE FROM ").table(RECORDS).push(" WHERE run = ").bind(self.run.0).push(" AND record_id");
        let old: Vec<Uuid> = before.into_iter().filter(|id| touched.binary_search(&RecordId(*id)).is_ok()).collect();
        sql.one_of(List::Ids(old));
        run(tx, sql).await?;
        let columns = [
            Column::new("run", Stored::Id),
            Column::new("record_id", Stored::Id),
            Column::new("created", Stored::Bool),
            Column::new("draft", Stored::Text),
        ];
        let mut values: Vec<sea_orm::Value> = Vec::with_capacity(touched.len() * columns.len());
        for id in touched {
            let note = &self.known[id];
            let draft = serde_json::to_string(&note.draft.values).map_err(Error::internal)?;
            let draft = sealing::guarded(self.ctx.db.key(), self.ctx.catalog.object_by_id(self.object), DRAFT, draft)?;
            values.extend([self.run.0.into(), id.0.into(), note.created.into(), draft.into()]);
        }
        Ok(rows::insert(tx, RECORDS, &columns, values).await?)
    }

    /// Stores that records would hold keys; an existing entry stays.
    async fn hold(&self, tx: &TenantTx, pairs: Vec<(Uuid, Uuid)>) -> Result<()> {
        let mut sql = Sql::new(tx.dialect());
        sql.push("INSERT INTO ").table(KEYS).push(" (run, key, record_id) SELECT ").bind(self.run.0);
        match tx.dialect() {
            Dialect::Postgres => {
                let (keys, ids): (Vec<Uuid>, Vec<Uuid>) = pairs.into_iter().unzip();
                sql.push(", k, r FROM unnest(").bind_list(List::Ids(keys)).push(", ").bind_list(List::Ids(ids));
                sql.push(") AS d(k, r)");
            }
            Dialect::Sqlite => {
                let both = |(key, id): (Uuid, Uuid)| format!("{}{}", key.simple(), id.simple());
                sql.push(", unhex(substr(value, 1, 32)), unhex(substr(value, 33)) FROM json_each(");
                sql.bind_list(List::Texts(pairs.into_iter().map(both).collect())).push(") WHERE true");
            }
        }
        sql.push(" ON CONFLICT DO NOTHING");
        run(tx, sql).await.map(drop)
    }

    /// The records that would hold one of these keys.
    async fn holders(&self, tx: &TenantTx, keys: Vec<Uuid>) -> Result<Vec<Uuid>> {
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT record_id FROM ").table(KEYS).push(" WHERE run = ").bind(self.run.0).push(" AND key");
        sql.one_of(List::Ids(keys));
        let (text, binds) = sql.into_parts();
        let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
        rows.into_iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    async fn notes(&self, tx: &TenantTx, records: HashSet<Uuid>) -> Result<HashMap<RecordId, Note>> {
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT record_id, created, draft FROM ").table(RECORDS).push(" WHERE run = ").bind(self.run.0);
        sql.push(" AND record_id").one_of(List::Ids(records.into_iter().collect()));
        let (text, binds) = sql.into_parts();
        let note = |row: sea_orm::QueryResult| {
            let draft = sealing::unguarded(self.ctx.db.key(), DRAFT, row.try_get_by_index(2)?)?;
            let values = serde_json::from_str(&draft).map_err(Error::internal)?;
            let draft = Draft { values, before: Vec::new() };
            Ok((RecordId(row.try_get_by_index(0)?), Note { created: row.try_get_by_index(1)?, draft }))
        };
        tx.query_all_raw(tx.statement(text, binds)).await?.into_iter().map(note).collect()
    }

    /// The values that identify a draft's record, each as a hash of 16 bytes that does not reveal it.
    fn keys(&self, draft: &Draft) -> impl Iterator<Item = Uuid> {
        let single = self.fields.iter().filter_map(|field| {
            let key = match_key(field, draft.get(field.id)?)?;
            Some(hashed(self.run, &[field], &vec![key]))
        });
        let together = self.combined.iter().filter_map(|fields| {
            let combination = combination(fields, draft)?;
            Some(hashed(self.run, fields, &combination))
        });
        single.chain(together)
    }
}

fn hashed(run: RunId, fields: &[&Field], keys: &Combination) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(run.0.as_bytes());
    for (field, key) in fields.iter().zip(keys) {
        hash.update(field.id.0.as_bytes());
        match key {
            MatchKey::Text(text) => {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            MatchKey::Int(number) => hash.update(number.to_be_bytes()),
            MatchKey::Id(id) => hash.update(id.as_bytes()),
        }
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(half)
}

/// Deletes the entries of a finished dry run.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_dry_run(ctx: &Ctx, of: RunId) -> Result<()> {
    for (table, column) in [(KEYS, "key"), (RECORDS, "record_id")] {
        loop {
            let mut sql = Sql::new(ctx.db.dialect());
            sql.push("DELETE FROM ").table(table).push(" WHERE run = ").bind(of.0).push(" AND ").name(column);
            sql.push(" IN (SELECT ").name(column).push(" FROM ").table(table).push(" WHERE run = ").bind(of.0);
            sql.push(" LIMIT ").number(FORGOTTEN).push(")");
            let tx = ctx.db.begin_write().await?;
            let gone = run(&tx, sql).await?;
            tx.commit().await?;
            if gone == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Deletes the entries of finished dry runs that a crashed process left behind.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_dry_runs(ctx: &Ctx) -> Result<()> {
    for table in [KEYS, RECORDS] {
        let mut sql = Sql::new(ctx.db.dialect());
        sql.push("SELECT DISTINCT run FROM ").table(table).push(" WHERE run NOT IN (SELECT id FROM ").table("runs");
        sql.push(" WHERE status IN ('QUEUED', 'RUNNING'))");
        for row in ctx.db.query_all_raw(sql.statement(&ctx.db)).await? {
            forget_dry_run(ctx, RunId(row.try_get_by_index(0)?)).await?;
        }
    }
    Ok(())
}

async fn run(tx: &TenantTx, sql: Sql) -> Result<u64> {
    let (text, binds) = sql.into_parts();
    Ok(tx.execute_raw(tx.statement(text, binds)).await?.rows_affected())
}
