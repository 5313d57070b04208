//! What happened to one record, as people read it: newest first, values as the API shows them.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value as Json;
use tenants::{
    Actor, Operation,
    error::{Code, Error, Result},
};

use super::{MAX_PAGE, WrittenKind};
use crate::{
    Ctx,
    sql::Sql,
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
    /// Through which door: `GRAPHQL`, `IMPORT` ….
    pub origin: String,
    /// The run it was part of.
    pub run: Option<RunId>,
    /// What was done.
    pub kind: WrittenKind,
    /// Fields that changed; none where the record was created, archived, restored or destroyed as a whole.
    pub changes: Vec<FieldChange>,
    /// Where to go on from here.
    pub cursor: String,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The field, under the name it has now.
    pub field: String,
    /// Value before, as the API shows it.
    pub from: Json,
    /// Value after.
    pub to: Json,
}

/// A page of a record's history, newest first; `first` is at most 200. Fields that are gone from the catalog, or that
/// are not audited, are left out.
///
/// # Errors
/// `BAD_CURSOR`, `STALE_CATALOG`.
pub async fn history(
    ctx: &Ctx,
    object: ObjectId,
    record: RecordId,
    first: u32,
    after: Option<String>,
) -> Result<HistoryPage> {
    let of = ctx.catalog.object_by_id(object).ok_or_else(|| Error::of(Code::NotFound))?;
    ctx.caller.permit(&of.name, Operation::Read)?;
    let first = first.clamp(1, MAX_PAGE) as usize;
    let mut sql = Sql::new(ctx.db.dialect());
    sql.push("SELECT c.seq, h.n, c.at, c.actor, c.origin, c.run, h.kind, h.diff FROM ").table("changes");
    sql.push(" AS h JOIN ").table("commits").push(" AS c ON c.id = h.commit_id WHERE h.record_id = ").bind(record.0);
    sql.push(" AND h.object_id = ").bind(object.0);
    if let Some(cursor) = after {
        let (seq, n) = parse(&cursor)?;
        sql.push(" AND (c.seq < ").bind(seq).push(" OR (c.seq = ").bind(seq).push(" AND h.n < ").bind(n).push("))");
    }
    sql.push(" ORDER BY c.seq DESC, h.n DESC LIMIT ").number(first as i64 + 1);
    let rows = ctx.db.query_all_raw(sql.statement(&ctx.db)).await?;
    super::verify(ctx).await?;
    let has_next = rows.len() > first;
    let entries = rows.iter().take(first).map(|row| entry(ctx, row)).collect::<Result<_>>()?;
    Ok(HistoryPage { entries, has_next })
}

fn entry(ctx: &Ctx, row: &QueryResult) -> Result<HistoryEntry> {
    let (seq, n): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let diff: Option<String> = row.try_get_by_index(7)?;
    Ok(HistoryEntry {
        at: row.try_get_by_index(2)?,
        actor: Actor::from_stored(&row.try_get_by_index::<String>(3)?),
        origin: row.try_get_by_index(4)?,
        run: row.try_get_by_index::<Option<uuid::Uuid>>(5)?.map(RunId),
        kind: WrittenKind::named(&row.try_get_by_index::<String>(6)?),
        changes: diff.map_or(Ok(Vec::new()), |diff| rendered(ctx, &diff))?,
        cursor: URL_SAFE_NO_PAD.encode(format!("{seq}.{n}")),
    })
}

fn rendered(ctx: &Ctx, diff: &str) -> Result<Vec<FieldChange>> {
    let diff: BTreeMap<FieldId, (Value, Value)> = serde_json::from_str(diff).map_err(Error::internal)?;
    let shown = diff.into_iter().filter_map(|(id, (from, to))| {
        let field = ctx.catalog.field(id)?;
        let (from, to) = (values::to_json(field, &from), values::to_json(field, &to));
        Some(FieldChange { field: field.name.clone(), from, to })
    });
    Ok(shown.collect())
}

fn parse(cursor: &str) -> Result<(i64, i64)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| text.split_once('.'));
    let place = place.and_then(|(seq, n)| Some((seq.parse().ok()?, n.parse().ok()?)));
    place.ok_or_else(|| Error::of(Code::BadCursor))
}
