//! The feed with values, for what follows it within the product: search, webhooks, automations. Every change carries what
//! each of its fields was and became, also in fields that history does not show. A create stores no values, its row does:
//! they are read from there, and what changed since is taken back.

use std::collections::{BTreeMap, HashMap};

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value as Json;
use tenants::{
    Actor, TenantTx,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use super::{WriteKind, decode, feed::reaches_back, write::link_table};
use crate::{
    Ctx,
    catalog::{Field, Object, Origin},
    columns::stored,
    sql::{List, Sql},
    values::Value,
};

/// Later changes that are taken back in one read.
const BACK: i64 = 2_000;

/// A place in the feed: a commit, and a change within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the commit.
    pub seq: i64,
    /// The place of the change in its commit.
    pub n: i64,
}

impl Place {
    /// The first place after a commit.
    pub fn after(seq: i64) -> Self {
        Self { seq: seq + 1, n: 0 }
    }
}

/// One change of one record, with its values.
#[derive(Clone, Debug)]
pub struct Diff {
    /// Where it stands.
    pub place: Place,
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
    /// Which record; nothing for a change of all records.
    pub record: Option<RecordId>,
    /// What was done.
    pub kind: WriteKind,
    /// What changed. Of a created record, all its values; none of a record that was destroyed since.
    pub fields: BTreeMap<FieldId, ValueChange>,
}

/// What a field was, and what it became.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueChange {
    /// From what, to what, as stored. Of links to many, what was removed and what was added.
    Values(Value, Value),
    /// The field is encrypted, and its values stay sealed.
    Sealed,
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Diffs {
    /// What was wanted, in the order of writing.
    pub diffs: Vec<Diff>,
    /// Where the next part begins.
    pub next: Place,
    /// Commits that are left after it.
    pub left: i64,
}

/// Looks at `most` changes from a place on, and returns those that are wanted.
///
/// # Errors
/// `STALE_CATALOG`; `FEED_EXPIRED` if the feed no longer has what stood there.
pub async fn diffs(ctx: &Ctx, from: Place, most: u32, wanted: &(dyn Fn(&Diff) -> bool + Sync)) -> Result<Diffs> {
    let tx = ctx.db.begin_read().await?;
    let last = verified(ctx, &tx, from).await?;
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq, h.n, c.at, c.actor, c.origin, c.run, h.object_id, h.record_id, h.kind, h.diff FROM ");
    sql.table("commits").push(" AS c JOIN ").table("changes").push(" AS h ON h.commit_id = c.id WHERE c.seq >= ");
    sql.bind(from.seq).push(" AND (c.seq > ").bind(from.seq).push(" OR h.n >= ").bind(from.n);
    sql.push(") ORDER BY c.seq, h.n LIMIT ").number(i64::from(most) + 1);
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    let mut diffs = rows.iter().map(diff).collect::<Result<Vec<_>>>()?;
    let next = match diffs.len() > most as usize {
        true => diffs.pop().map_or(from, |diff| diff.place),
        false => Place::after(last.max(from.seq - 1)),
    };
    diffs.retain(|diff| wanted(diff));
    fill(ctx, &tx, &mut diffs).await?;
    Ok(Diffs { diffs, next, left: last + 1 - next.seq })
}

/// The number of the last commit, if the catalog is the planned one and the feed still has what stood at this place.
async fn verified(ctx: &Ctx, tx: &TenantTx, from: Place) -> Result<i64> {
    let sql = r#"SELECT seq, catalog_version FROM "tenant"."clock""#;
    let row = tx.query_one_raw(tx.statement(sql, Vec::new())).await?;
    let row = row.ok_or_else(|| Error::internal("the tenant has no clock row"))?;
    if row.try_get_by_index::<i64>(1)? != ctx.catalog.version {
        return Err(Error::of(Code::StaleCatalog));
    }
    let last = row.try_get_by_index(0)?;
    reaches_back(tx, from.seq, last).await?;
    Ok(last)
}

fn diff(row: &QueryResult) -> Result<Diff> {
    let mut fields = BTreeMap::new();
    if let Some(diff) = row.try_get_by_index::<Option<String>>(9)? {
        let stored: BTreeMap<FieldId, Json> = serde_json::from_str(&diff).map_err(Error::internal)?;
        for (field, change) in stored {
            fields.insert(field, value_change(change)?);
        }
    }
    Ok(Diff {
        place: Place { seq: row.try_get_by_index(0)?, n: row.try_get_by_index(1)? },
        at: row.try_get_by_index(2)?,
        actor: Actor::from_stored(&row.try_get_by_index::<String>(3)?)?,
        origin: row.try_get_by_index(4)?,
        run: row.try_get_by_index::<Option<Uuid>>(5)?.map(RunId),
        object: ObjectId(row.try_get_by_index(6)?),
        record: row.try_get_by_index::<Option<Uuid>>(7)?.map(RecordId),
        kind: WriteKind::named(&row.try_get_by_index::<String>(8)?),
        fields,
    })
}

fn value_change(stored: Json) -> Result<ValueChange> {
    if stored.is_string() {
        return Ok(ValueChange::Sealed);
    }
    let (old, new): (Option<Value>, Option<Value>) = serde_json::from_value(stored).map_err(Error::internal)?;
    Ok(ValueChange::Values(old.unwrap_or(Value::Null), new.unwrap_or(Value::Null)))
}

/// Gives created records the values that they were created with.
async fn fill(ctx: &Ctx, tx: &TenantTx, diffs: &mut [Diff]) -> Result<()> {
    let mut created: HashMap<ObjectId, Vec<(usize, RecordId)>> = HashMap::new();
    for (at, diff) in diffs.iter().enumerate().filter(|(_, diff)| diff.kind == WriteKind::Created) {
        created.entry(diff.object).or_default().extend(diff.record.map(|record| (at, record)));
    }
    for (object, places) in created {
        // members are no records of the engine
        let Some(object) = ctx.catalog.object_by_id(object).filter(|object| object.writable) else { continue };
        let records: HashMap<RecordId, Place> = places.iter().map(|(at, record)| (*record, diffs[*at].place)).collect();
        let mut values = present(tx, object, &records).await?;
        take_back(tx, object, &records, &mut values).await?;
        for (at, record) in places {
            let values = values.remove(&record).unwrap_or_default();
            let there = values.into_iter().filter(|(_, value)| !is_nothing(value));
            diffs[at].fields = there.map(|(field, value)| (field, into_change(value))).collect();
        }
    }
    Ok(())
}

/// A value as it is now; nothing for one that is sealed.
type Present = Option<Value>;

fn is_nothing(value: &Present) -> bool {
    match value {
        Some(Value::Null) => true,
        Some(Value::Ids(ids)) => ids.is_empty(),
        _ => false,
    }
}

fn into_change(value: Present) -> ValueChange {
    match value {
        Some(value) => ValueChange::Values(Value::Null, value),
        None => ValueChange::Sealed,
    }
}

/// The values that the records have now. Records that are gone are left out, and with them their values.
async fn present(
    tx: &TenantTx,
    object: &Object,
    records: &HashMap<RecordId, Place>,
) -> Result<HashMap<RecordId, BTreeMap<FieldId, Present>>> {
    let written = |field: &&Field| field.usable() && (field.writable || field.origin != Origin::System);
    let kept: Vec<&Field> = object
        .fields
        .iter()
        .filter(written)
        .filter(|field| field.rollup().is_none() && stored(&field.kind).is_some())
        .collect();
    let (sealed, open): (Vec<&Field>, Vec<&Field>) = kept.into_iter().partition(|field| field.encryption.is_some());
    let ids = || List::Ids(records.keys().map(|record| record.0).collect());
    let mut sql = Sql::new(tx.dialect());
    sql.push(r#"SELECT t0."id""#);
    let reading = decode::select(&mut sql, open.iter().copied())?;
    for field in &sealed {
        sql.push(", CAST(CASE WHEN ").column("t0", &field.column).push(" IS NULL THEN 0 ELSE 1 END AS bigint)");
    }
    sql.push(" FROM ").table(&object.table).push(r#" AS t0 WHERE t0."id""#).one_of(ids());
    let (text, binds) = sql.into_parts();
    let mut found = HashMap::with_capacity(records.len());
    for row in tx.query_all_raw(tx.statement(text, binds)).await? {
        let record = RecordId(decode::id(&row, 0)?);
        let (values, mut at) = decode::cells(&row, 1, &reading, record)?;
        let mut fields: BTreeMap<FieldId, Present> =
            open.iter().map(|field| field.id).zip(values.into_iter().map(Some)).collect();
        for field in &sealed {
            if row.try_get_by_index::<i64>(at)? == 1 {
                fields.insert(field.id, None);
            }
            at += 1;
        }
        found.insert(record, fields);
    }
    for field in object.fields.iter().filter(|field| field.usable()) {
        let Some((table, own, other)) = field.relation().and_then(link_table) else { continue };
        // none now, but perhaps some earlier
        found.values_mut().for_each(|fields| _ = fields.insert(field.id, Some(Value::Ids(Vec::new()))));
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT ").name(own).push(", ").name(other).push(" FROM ").table(table).push(" WHERE ").name(own);
        sql.one_of(ids()).push(" ORDER BY ").name(own).push(", ").name(other);
        let (text, binds) = sql.into_parts();
        for row in tx.query_all_raw(tx.statement(text, binds)).await? {
            let fields = found.get_mut(&RecordId(decode::id(&row, 0)?));
            if let Some(Some(Value::Ids(links))) = fields.and_then(|fields| fields.get_mut(&field.id)) {
                links.push(decode::id(&row, 1)?);
            }
        }
    }
    Ok(found)
}

/// Takes back what changed after the records were created, newest first.
async fn take_back(
    tx: &TenantTx,
    object: &Object,
    records: &HashMap<RecordId, Place>,
    values: &mut HashMap<RecordId, BTreeMap<FieldId, Present>>,
) -> Result<()> {
    let mut before: Option<Place> = None;
    while !values.is_empty() {
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT c.seq, h.n, h.record_id, h.diff FROM ").table("changes").push(" AS h JOIN ").table("commits");
        sql.push(" AS c ON c.id = h.commit_id WHERE h.record_id");
        sql.one_of(List::Ids(values.keys().map(|record| record.0).collect()));
        sql.push(" AND h.object_id = ").bind(object.id.0).push(" AND h.kind = 'UPDATED' AND h.diff IS NOT NULL");
        if let Some(Place { seq, n }) = before {
            sql.push(" AND c.seq <= ").bind(seq).push(" AND (c.seq < ").bind(seq).push(" OR h.n < ").bind(n).push(")");
        }
        sql.push(" ORDER BY c.seq DESC, h.n DESC LIMIT ").number(BACK);
        let (text, binds) = sql.into_parts();
        let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
        for row in &rows {
            let place = Place { seq: row.try_get_by_index(0)?, n: row.try_get_by_index(1)? };
            before = Some(place);
            let record = RecordId(decode::id(row, 2)?);
            if records.get(&record).is_some_and(|created| *created < place)
                && let Some(fields) = values.get_mut(&record)
            {
                let diff: BTreeMap<FieldId, Json> =
                    serde_json::from_str(&row.try_get_by_index::<String>(3)?).map_err(Error::internal)?;
                for (field, change) in diff {
                    if let (Some(value), ValueChange::Values(old, new)) =
                        (fields.get_mut(&field), value_change(change)?)
                    {
                        *value = value.take().map(|value| earlier(value, old, &new));
                    }
                }
            }
        }
        if (rows.len() as i64) < BACK {
            break;
        }
    }
    Ok(())
}

/// The value before a change. Changes of links to many may name whole lists, or only what was removed and added.
fn earlier(now: Value, old: Value, new: &Value) -> Value {
    let Value::Ids(now) = now else { return old };
    let (Value::Ids(removed), Value::Ids(added)) = (or_none(old), or_none(new.clone())) else { return Value::Ids(now) };
    let mut ids: Vec<Uuid> = now.into_iter().filter(|id| !added.contains(id)).chain(removed).collect();
    ids.sort_unstable();
    ids.dedup();
    Value::Ids(ids)
}

fn or_none(links: Value) -> Value {
    if links == Value::Null { Value::Ids(Vec::new()) } else { links }
}
