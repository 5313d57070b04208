//! Everything that happened, in the order in which it was committed: for search, webhooks, automations, programs
//! outside. A reader keeps the number of the last commit it has seen; each commit comes once, as a whole.

use std::collections::BTreeMap;

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, QueryResult};
use tenants::{
    Actor, Operation, TenantDb, TenantTx,
    error::{Error, Result},
};

use super::WrittenKind;
use crate::{
    Ctx,
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

/// One change of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedChange {
    /// The number of the commit.
    pub seq: i64,
    /// Microseconds UTC.
    pub at: i64,
    /// Who did it.
    pub actor: Actor,
    /// Through which door: `GRAPHQL`, `IMPORT` ….
    pub origin: String,
    /// The run it was part of.
    pub run: Option<RunId>,
    /// Of which object.
    pub object: ObjectId,
    /// Which record.
    pub record: RecordId,
    /// What was done.
    pub kind: WrittenKind,
    /// Fields that an update changed and that are audited; none of a record that was destroyed since.
    pub fields: Vec<FieldId>,
}

/// The commits after a number, of some objects or (with none given) of all. A page holds whole commits: it ends with
/// the one that brings it to `first` changes (at most 1 000), so it may be longer than asked for, never half a commit.
pub async fn changes(ctx: &Ctx, after: i64, objects: &[ObjectId], first: u32) -> Result<ChangesPage> {
    for object in &ctx.catalog.objects {
        if objects.is_empty() || objects.contains(&object.id) {
            ctx.caller.permit(&object.name, Operation::Read)?;
        }
    }
    let tx = ctx.db.begin_read().await?;
    let now = clock(&tx).await?;
    let last = last_of_page(&tx, after, objects, first.clamp(1, MAX_CHANGES)).await?.unwrap_or(now).max(after);
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq, c.at, c.actor, c.origin, c.run, h.object_id, h.record_id, h.kind, h.diff");
    push_source(&mut sql, after, objects);
    sql.push(" AND c.seq <= ").bind(last).push(" ORDER BY c.seq, h.n");
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    let changes = rows.iter().map(change).collect::<Result<_>>()?;
    Ok(ChangesPage { changes, last_seq: last, has_more: last < now })
}

/// The commit in which the page's last change stands; none if there are fewer changes.
async fn last_of_page(tx: &TenantTx, after: i64, objects: &[ObjectId], first: u32) -> Result<Option<i64>> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq");
    push_source(&mut sql, after, objects);
    sql.push(" ORDER BY c.seq, h.n LIMIT 1 OFFSET ").number(i64::from(first) - 1);
    let (text, binds) = sql.into_parts();
    let row = tx.query_one_raw(tx.statement(text, binds)).await?;
    row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
}

fn push_source(sql: &mut Sql, after: i64, objects: &[ObjectId]) {
    sql.push(" FROM ").table("commits").push(" AS c JOIN ").table("changes");
    sql.push(" AS h ON h.commit_id = c.id WHERE c.seq > ").bind(after);
    if !objects.is_empty() {
        sql.push(" AND h.object_id").one_of(List::Ids(objects.iter().map(|id| id.0).collect()));
    }
}

async fn clock(db: &impl ConnectionTrait) -> Result<i64> {
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), r#"SELECT seq FROM "tenant"."clock""#);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("the tenant has no clock"))?;
    Ok(row.try_get_by_index(0)?)
}

fn change(row: &QueryResult) -> Result<FeedChange> {
    let fields = match row.try_get_by_index::<Option<String>>(8)? {
        Some(diff) => {
            let diff: BTreeMap<FieldId, serde::de::IgnoredAny> =
                serde_json::from_str(&diff).map_err(Error::internal)?;
            diff.into_keys().collect()
        }
        None => Vec::new(),
    };
    Ok(FeedChange {
        seq: row.try_get_by_index(0)?,
        at: row.try_get_by_index(1)?,
        actor: Actor::from_stored(&row.try_get_by_index::<String>(2)?),
        origin: row.try_get_by_index(3)?,
        run: row.try_get_by_index::<Option<uuid::Uuid>>(4)?.map(RunId),
        object: ObjectId(row.try_get_by_index(5)?),
        record: RecordId(row.try_get_by_index(6)?),
        kind: WrittenKind::named(&row.try_get_by_index::<String>(7)?),
        fields,
    })
}

/// The number of the last commit.
///
/// # Errors
/// When the database does not answer.
pub async fn last_seq(db: &TenantDb) -> Result<i64> {
    clock(db).await
}
