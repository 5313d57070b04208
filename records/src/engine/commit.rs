//! The end of every write transaction: its changes, its number in the tenant's commit order, and who made it.

use std::collections::BTreeMap;

use entities::ids::{CommitId, FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tenants::{
    Actor, Dialect, Origin, TenantDb, TenantTx,
    error::{Code, Error, Result},
    work::{Job, NewWork, Queue, enqueue},
};
use uuid::Uuid;

use super::{WriteKind, columns::Column, rows};
use crate::{Ctx, columns::Stored};

/// There are commits that consumers of the feed have not seen; a worker tells them.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellConsumers {}

impl Job for TellConsumers {
    const QUEUE: Queue = Queue::short("feed");

    fn key(&self) -> Option<String> {
        Some("tell".to_owned())
    }
}

/// A change of one record, to be written to the history.
pub(crate) struct Entry {
    pub object: ObjectId,
    /// None for a change of all records.
    pub record: Option<RecordId>,
    pub kind: WriteKind,
    /// JSON of `{"<field id>": [old, new]}`.
    pub diff: Option<String>,
}

/// The current version of the catalog.
pub(crate) async fn catalog_version(db: &impl ConnectionTrait) -> Result<i64> {
    let sql = r#"SELECT catalog_version FROM "tenant"."clock""#;
    let row = db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await?;
    let row = row.ok_or_else(|| Error::internal("the tenant has no clock row"))?;
    Ok(row.try_get_by_index(0)?)
}

/// Writes the changes, then raises the clock and inserts the commit. These are the last statements of a transaction:
/// from here to its end, the tenant's other writers wait.
///
/// # Errors
/// `STALE_CATALOG` if the catalog has changed since this was planned.
pub(crate) async fn note(ctx: &Ctx, tx: &TenantTx, id: CommitId, at: i64, entries: Vec<Entry>) -> Result<()> {
    let caller = &ctx.caller;
    let author = [
        caller.actor.stored().into(),
        caller.origin.name().into(),
        caller.run.map(|run| run.0).into(),
        caller.request.clone().into(),
    ];
    append(&ctx.db, tx, ctx.catalog.version, (id, at), author, entries).await
}

/// Tells the feed that rollups were computed anew for all records: one entry for each object. Nobody is named: the work
/// may have been done long after somebody asked for it.
///
/// # Errors
/// `STALE_CATALOG` if the catalog does not have this version.
pub(crate) async fn note_rebuilt(
    db: &TenantDb,
    tx: &TenantTx,
    version: i64,
    at: i64,
    rollups: BTreeMap<ObjectId, Vec<FieldId>>,
) -> Result<()> {
    let entry = |(object, fields): (ObjectId, Vec<FieldId>)| {
        let diff: BTreeMap<FieldId, [(); 2]> = fields.into_iter().map(|field| (field, [(), ()])).collect();
        let diff = Some(serde_json::to_string(&diff).map_err(Error::internal)?);
        Ok(Entry { object, record: None, kind: WriteKind::Rebuilt, diff })
    };
    let entries = rollups.into_iter().map(entry).collect::<Result<_>>()?;
    let author = [Actor::System.stored().into(), Origin::Job.name().into(), None::<Uuid>.into(), "".into()];
    append(db, tx, version, (CommitId::new(), at), author, entries).await
}

/// Asks a worker to tell consumers of the feed, if there are any.
async fn tell_consumers(db: &TenantDb, tx: &TenantTx, at: i64) -> Result<()> {
    if !db.tickets().are_commits_followed() {
        return Ok(());
    }
    enqueue(db, tx, NewWork::of(&TellConsumers {}, at)?, at).await
}

/// Writes the changes, asks for those who follow them, raises the clock and inserts the commit.
async fn append(
    db: &TenantDb,
    tx: &TenantTx,
    version: i64,
    (id, at): (CommitId, i64),
    author: [sea_orm::Value; 4],
    entries: Vec<Entry>,
) -> Result<()> {
    changes(tx, id, entries).await?;
    tell_consumers(db, tx, at).await?;
    let values: Vec<sea_orm::Value> = [version.into(), id.0.into(), at.into()].into_iter().chain(author).collect();
    let noted = match tx.dialect() {
        // one statement, because others wait for it and for the round trip to the database
        Dialect::Postgres => {
            let sql = format!(r#"WITH c AS ({COUNT} RETURNING seq) {NOTE} SELECT seq, $2, $3, $4, $5, $6, $7 FROM c"#);
            tx.execute_raw(tx.statement(sql, values)).await?
        }
        Dialect::Sqlite => {
            tx.execute_raw(tx.statement(COUNT, values[..1].to_vec())).await?;
            let sql = format!(
                r#"{NOTE} SELECT seq, $2, $3, $4, $5, $6, $7 FROM "tenant"."clock" WHERE catalog_version = $1"#
            );
            tx.execute_raw(tx.statement(sql, values)).await?
        }
    };
    if noted.rows_affected() == 0 {
        return Err(Error::of(Code::StaleCatalog));
    }
    Ok(())
}

/// Records changes of members, whose rows the engine reads but does not write. Must be the last step of the transaction
/// that writes them.
///
/// # Errors
/// `STALE_CATALOG`.
pub(crate) async fn note_members(ctx: &Ctx, tx: &TenantTx, changed: &[(RecordId, WriteKind)]) -> Result<()> {
    let object = ctx.catalog.object("member").ok_or_else(|| Error::internal("there is no object `member`"))?.id;
    let entry =
        |(record, kind): &(RecordId, WriteKind)| Entry { object, record: Some(*record), kind: *kind, diff: None };
    note(ctx, tx, CommitId::new(), ctx.caller.clock.micros(), changed.iter().map(entry).collect()).await
}

/// Raises the clock, if the catalog is still the planned one.
const COUNT: &str = r#"UPDATE "tenant"."clock" SET seq = seq + 1 WHERE catalog_version = $1"#;
const NOTE: &str = r#"INSERT INTO "tenant"."commits" (seq, id, at, actor, origin, run, request)"#;

async fn changes(tx: &TenantTx, id: CommitId, entries: Vec<Entry>) -> Result<()> {
    let columns = [
        Column::new("commit_id", Stored::Id),
        Column::new("n", Stored::Int),
        Column::new("object_id", Stored::Id),
        Column::new("record_id", Stored::Id),
        Column::new("kind", Stored::Text),
        Column::new("diff", Stored::Text),
    ];
    let mut values = Vec::with_capacity(entries.len() * columns.len());
    for (n, entry) in entries.into_iter().enumerate() {
        values.extend([
            id.0.into(),
            sea_orm::Value::BigInt(Some(n as i64)),
            entry.object.0.into(),
            entry.record.map(|record| record.0).into(),
            entry.kind.name().into(),
            entry.diff.into(),
        ]);
    }
    rows::insert(tx, "changes", &columns, values).await?;
    Ok(())
}
