//! Everything that happened, in the order in which it was committed: for search, webhooks, automations, programs
//! outside. A reader keeps the number of the last commit it has seen; each commit comes once, as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, de::IgnoredAny};
use tenants::{
    Access, Actor, Operation, RowScope, TenantDb, TenantTx,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use super::WriteKind;
use crate::{
    Ctx,
    catalog::Object,
    permission,
    sql::{List, Sql},
};

/// Changes that one page aims at, at most.
pub const MAX_CHANGES: u32 = 1_000;

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct ChangesPage {
    /// In the order of commits, and within a commit in the order of writing.
    pub changes: Vec<FeedChange>,
    /// What to ask for next: everything up to this commit was looked at.
    pub last_seq: i64,
    /// There are later commits already.
    pub has_more: bool,
}

/// One change of one record, or of rollups of all records of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedChange {
    /// The number of the commit.
    pub seq: i64,
    /// Microseconds UTC.
    pub at: i64,
    /// Who did it.
    pub actor: Actor,
    /// Through which endpoint: `GRAPHQL`, `IMPORT` ….
    pub origin: String,
    /// The run it was part of.
    pub run: Option<RunId>,
    /// Of which object.
    pub object: ObjectId,
    /// Which record; none where rollups were computed anew for all.
    pub record: Option<RecordId>,
    /// What was done.
    pub kind: WriteKind,
    /// Fields that an update changed, or rollups; none of a record that was destroyed since.
    pub fields: Vec<FieldId>,
}

/// The commits after a number, of some objects or (with none given) of all that the caller reads. Of records that the
/// role does not reach nothing is told, but that one of them left its reach; nor that one was destroyed, where the role
/// does not reach all. A page holds whole commits: it ends with
/// the one that brings it to `first` changes (at most 1 000), so it may be longer than asked for, never half a commit.
///
/// # Errors
/// `FORBIDDEN`; `FEED_EXPIRED` if commits after this number are no longer kept.
pub async fn changes(ctx: &Ctx, after: i64, objects: &[ObjectId], first: u32) -> Result<ChangesPage> {
    let objects = readable(ctx, objects)?;
    let objects = objects.as_deref();
    let tx = ctx.db.begin_read().await?;
    let now = clock(&tx).await?;
    reaches_back(&tx, after + 1, now).await?;
    let last = last_of_page(&tx, after, objects, first.clamp(1, MAX_CHANGES)).await?.unwrap_or(now).max(after);
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq, c.at, c.actor, c.origin, c.run, h.object_id, h.record_id, h.kind, h.diff");
    push_source(&mut sql, after, objects);
    sql.push(" AND c.seq <= ").bind(last).push(" ORDER BY c.seq, h.n");
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    let changes = seen(ctx, &tx, rows.iter().map(change).collect::<Result<_>>()?).await?;
    Ok(ChangesPage { changes, last_seq: last, has_more: last < now })
}

/// The objects to be told of; nothing for all there are and were.
fn readable(ctx: &Ctx, asked: &[ObjectId]) -> Result<Option<Vec<ObjectId>>> {
    if !asked.is_empty() {
        for object in asked.iter().filter_map(|id| ctx.catalog.object_by_id(*id)) {
            permission::permit(ctx, object, Operation::Read)?;
        }
        return Ok(Some(asked.to_vec()));
    }
    let seen = |object: &&Object| permission::scope(ctx, object, Operation::Read) != RowScope::None;
    let all = *ctx.caller.access == Access::All;
    Ok((!all).then(|| ctx.catalog.objects.iter().filter(seen).map(|object| object.id).collect()))
}

/// Leaves out what the caller's role does not show: records out of its reach, and hidden fields.
async fn seen(ctx: &Ctx, tx: &TenantTx, changes: Vec<Noted>) -> Result<Vec<FeedChange>> {
    let mut records: HashMap<ObjectId, Vec<RecordId>> = HashMap::new();
    for noted in &changes {
        records.entry(noted.change.object).or_default().extend(noted.change.record);
    }
    let mut visible: HashSet<RecordId> = HashSet::new();
    for (object, ids) in records {
        match ctx.catalog.object_by_id(object) {
            Some(object) => visible.extend(permission::visible(ctx, tx, object, &ids).await?),
            None => visible.extend(ids),
        }
    }
    let reported = |noted: Noted| {
        let Noted { mut change, before } = noted;
        let left = || permission::left(ctx, change.object, &before);
        if change.record.is_some_and(|record| !visible.contains(&record)) && !left() {
            return None;
        }
        change.fields.retain(|id| ctx.catalog.field(*id).is_none_or(|field| permission::sees(ctx, field)));
        // that a hidden rollup changed would say something about it
        let of_rollups = matches!(change.kind, WriteKind::Rollup | WriteKind::Rebuilt);
        (!of_rollups || !change.fields.is_empty()).then_some(change)
    };
    Ok(changes.into_iter().filter_map(reported).collect())
}

/// The commit in which the page's last change stands; none if there are fewer changes.
async fn last_of_page(tx: &TenantTx, after: i64, objects: Option<&[ObjectId]>, first: u32) -> Result<Option<i64>> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq");
    push_source(&mut sql, after, objects);
    sql.push(" ORDER BY c.seq, h.n LIMIT 1 OFFSET ").number(i64::from(first) - 1);
    let (text, binds) = sql.into_parts();
    let row = tx.query_one_raw(tx.statement(text, binds)).await?;
    row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
}

fn push_source(sql: &mut Sql, after: i64, objects: Option<&[ObjectId]>) {
    sql.push(" FROM ").table("commits").push(" AS c JOIN ").table("changes");
    sql.push(" AS h ON h.commit_id = c.id WHERE c.seq > ").bind(after);
    if let Some(objects) = objects {
        sql.push(" AND h.object_id").one_of(List::Ids(objects.iter().map(|id| id.0).collect()));
    }
}

/// Refuses to read from a commit on that is no longer kept.
pub(super) async fn reaches_back(tx: &TenantTx, from: i64, last: i64) -> Result<()> {
    if from > last {
        return Ok(());
    }
    let sql = r#"SELECT min(seq) FROM "tenant"."commits""#;
    let row = tx.query_one_raw(tx.statement(sql, Vec::new())).await?;
    let first = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten();
    if first.is_some_and(|first| first <= from.max(1)) { Ok(()) } else { Err(Error::of(Code::FeedExpired)) }
}

async fn clock(db: &impl ConnectionTrait) -> Result<i64> {
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), r#"SELECT seq FROM "tenant"."clock""#);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("the tenant has no clock row"))?;
    Ok(row.try_get_by_index(0)?)
}

/// A change with the links that it took away.
struct Noted {
    change: FeedChange,
    before: Vec<(FieldId, Uuid)>,
}

/// Of a changed value, what matters here: whether it was a link.
#[derive(Deserialize)]
#[serde(untagged)]
enum Was {
    Link((Link, IgnoredAny)),
    /// Any other value, or one that is sealed.
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Link {
    id: Uuid,
}

fn change(row: &QueryResult) -> Result<Noted> {
    let (mut fields, mut before) = (Vec::new(), Vec::new());
    if let Some(diff) = row.try_get_by_index::<Option<String>>(8)? {
        let diff: BTreeMap<FieldId, Was> = serde_json::from_str(&diff).map_err(Error::internal)?;
        for (field, was) in diff {
            fields.push(field);
            if let Was::Link((link, _)) = was {
                before.push((field, link.id));
            }
        }
    }
    let change = FeedChange {
        seq: row.try_get_by_index(0)?,
        at: row.try_get_by_index(1)?,
        actor: Actor::from_stored(&row.try_get_by_index::<String>(2)?)?,
        origin: row.try_get_by_index(3)?,
        run: row.try_get_by_index::<Option<uuid::Uuid>>(4)?.map(RunId),
        object: ObjectId(row.try_get_by_index(5)?),
        record: row.try_get_by_index::<Option<Uuid>>(6)?.map(RecordId),
        kind: WriteKind::named(&row.try_get_by_index::<String>(7)?),
        fields,
    };
    Ok(Noted { change, before })
}

/// The number of the last commit.
///
/// # Errors
/// When the database does not answer.
pub async fn last_seq(db: &TenantDb) -> Result<i64> {
    clock(db).await
}
