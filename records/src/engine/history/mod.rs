//! The history of records for people: newest first, with values as the API shows them.

mod links;
pub mod retention;

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value as Json;
use tenants::{
    Actor, TenantTx,
    error::{Code, Error, Result},
};

use super::{
    MAX_PAGE, WriteKind, decode,
    read::{self, FIRST},
};
use crate::{
    Ctx, permission, sealing,
    sql::{List, Sql},
    values::{self, Value},
};

/// A page of a record's history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    /// Older entries follow.
    pub has_next: bool,
}

/// One change of a record.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// Microseconds UTC.
    pub at: i64,
    /// Who did it.
    pub actor: Actor,
    /// Through which endpoint: `GRAPHQL`, `IMPORT` ….
    pub origin: String,
    /// The run it was part of.
    pub run: Option<RunId>,
    /// What was done.
    pub kind: WriteKind,
    /// Fields that changed; empty if the record was created, archived, restored or destroyed.
    pub changes: Vec<FieldChange>,
    /// Where the next page starts.
    pub cursor: String,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The field's current name.
    pub field: String,
    /// The value before, as the API shows it.
    pub from: Json,
    /// The value after.
    pub to: Json,
}

/// A page of history for each record, newest first, in one statement. `first` (at most 200) and the cursor apply to
/// each record. Left out are deleted fields, fields that are not audited, fields and linked records that the caller
/// cannot see. Records that the caller cannot see have no history.
///
/// # Errors
/// `FORBIDDEN`, `BAD_CURSOR`, `STALE_CATALOG`.
pub async fn history(
    ctx: &Ctx,
    object: ObjectId,
    records: &[RecordId],
    first: u32,
    after: Option<&str>,
) -> Result<HashMap<RecordId, HistoryPage>> {
    let target = read::readable(ctx, object)?;
    let after = after.map(parse).transpose()?;
    let seen = permission::visible(ctx, &ctx.db, target, records).await?;
    let first = first.min(MAX_PAGE) as usize;
    let empty = |record: &RecordId| (*record, HistoryPage { entries: Vec::new(), has_next: false });
    let mut pages: HashMap<RecordId, HistoryPage> = records.iter().map(empty).collect();
    if seen.is_empty() {
        return Ok(pages);
    }
    let records: Vec<RecordId> = seen.into_iter().collect();
    for row in &read::fetch(ctx, &ctx.db, pages_of(ctx, object, &records, first, after)).await? {
        let page = pages.get_mut(&RecordId(decode::id(row, FIRST)?));
        let page = page.ok_or_else(|| Error::internal("a history of a record that was not requested"))?;
        if page.entries.len() == first {
            page.has_next = true;
        } else {
            page.entries.push(entry(ctx, row)?);
        }
    }
    links::leave_out(ctx, target, &mut pages).await?;
    Ok(pages)
}

/// Numbers the entries of each record from the newest, and reads one more than wanted, to know whether more follow.
fn pages_of(ctx: &Ctx, object: ObjectId, records: &[RecordId], first: usize, after: Option<(i64, i64)>) -> Sql {
    let mut sql = read::select(ctx);
    sql.push(", p.* FROM (SELECT h.record_id, c.seq, h.n, c.at, c.actor, c.origin, c.run, h.kind, h.diff, ");
    sql.push("row_number() OVER (PARTITION BY h.record_id ORDER BY c.seq DESC, h.n DESC) AS place FROM ");
    sql.table("changes").push(" AS h JOIN ").table("commits").push(" AS c ON c.id = h.commit_id WHERE h.record_id");
    sql.one_of(List::Ids(records.iter().map(|record| record.0).collect()));
    sql.push(" AND h.object_id = ").bind(object.0).push(" AND h.kind <> 'ROLLUP'");
    if let Some((seq, n)) = after {
        sql.push(" AND (c.seq < ").bind(seq).push(" OR (c.seq = ").bind(seq).push(" AND h.n < ").bind(n).push("))");
    }
    sql.push(") AS p WHERE p.place <= ").number(first as i64 + 1).push(" ORDER BY p.record_id, p.place");
    sql
}

fn entry(ctx: &Ctx, row: &QueryResult) -> Result<HistoryEntry> {
    let at = |column: usize| FIRST + 1 + column;
    let (seq, n): (i64, i64) = (row.try_get_by_index(at(0))?, row.try_get_by_index(at(1))?);
    let diff: Option<String> = row.try_get_by_index(at(7))?;
    Ok(HistoryEntry {
        at: row.try_get_by_index(at(2))?,
        actor: Actor::from_stored(&row.try_get_by_index::<String>(at(3))?)?,
        origin: row.try_get_by_index(at(4))?,
        run: row.try_get_by_index::<Option<uuid::Uuid>>(at(5))?.map(RunId),
        kind: WriteKind::named(&row.try_get_by_index::<String>(at(6))?),
        changes: diff.map_or(Ok(Vec::new()), |diff| rendered(ctx, RecordId(decode::id(row, FIRST)?), &diff, seq))?,
        cursor: URL_SAFE_NO_PAD.encode(format!("{seq}.{n}")),
    })
}

/// Values are shown with the type that the field had when they were written.
fn rendered(ctx: &Ctx, record: RecordId, diff: &str, seq: i64) -> Result<Vec<FieldChange>> {
    let shown = changed(ctx, record, diff)?.into_iter().filter_map(|(id, (from, to))| {
        let field = ctx.catalog.field(id).filter(|field| field.audited && permission::sees(ctx, field))?;
        let kind = field.kind_at(seq);
        let (from, to) = (values::json_of_kind(kind, &from), values::json_of_kind(kind, &to));
        Some(FieldChange { field: field.name.clone(), from, to })
    });
    Ok(shown.collect())
}

/// The old and new values. Deleted encrypted fields are left out.
pub(super) fn changed(ctx: &Ctx, record: RecordId, diff: &str) -> Result<BTreeMap<FieldId, (Value, Value)>> {
    if let Ok(plain) = serde_json::from_str(diff) {
        return Ok(plain);
    }
    let kept: BTreeMap<FieldId, Json> = serde_json::from_str(diff).map_err(Error::internal)?;
    let mut changed = BTreeMap::new();
    for (id, change) in kept {
        let values = match (change, ctx.catalog.field(id)) {
            (Json::String(sealed), Some(field)) => sealing::open_change(field, record, &sealed)?,
            (Json::String(_), None) => continue,
            (plain, _) => serde_json::from_value(plain).map_err(Error::internal)?,
        };
        changed.insert(id, values);
    }
    Ok(changed)
}

/// Erases the values in the history of records that are destroyed: who did what and when is kept, the values are not.
pub(super) async fn erase(tx: &TenantTx, object: ObjectId, records: &[RecordId]) -> Result<()> {
    let mut sql = Sql::new(tx.dialect());
    sql.push("UPDATE ").table("changes").push(" SET diff = NULL WHERE record_id");
    sql.one_of(List::Ids(records.iter().map(|record| record.0).collect()));
    sql.push(" AND object_id = ").bind(object.0).push(" AND diff IS NOT NULL");
    let (text, binds) = sql.into_parts();
    tx.execute_raw(tx.statement(text, binds)).await?;
    Ok(())
}

fn parse(cursor: &str) -> Result<(i64, i64)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| text.split_once('.'));
    let place = place.and_then(|(seq, n)| Some((seq.parse().ok()?, n.parse().ok()?)));
    place.ok_or_else(|| Error::of(Code::BadCursor))
}
