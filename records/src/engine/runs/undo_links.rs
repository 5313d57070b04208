//! Undoing links between many, pair by pair: also in records that others changed since, but for the pairs that they
//! touched.

use std::collections::{BTreeMap, HashMap, HashSet};

use entities::ids::{FieldId, RecordId, RunId};
use sea_orm::ConnectionTrait;
use tenants::{TenantTx, error::Result};
use uuid::Uuid;

use crate::{
    Ctx,
    catalog::{Cardinality, Field},
    engine::history,
    sql::{List, Sql},
    values::{Pairs, Value},
};

/// Changes by others that are read to undo one batch; beyond that nothing is undone in what they changed.
const MOST: usize = 10_000;

/// Whether a field links many records to many.
pub(super) fn is_mutual(field: &Field) -> bool {
    field.relation().is_some_and(|relation| relation.cardinality == Cardinality::ManyToMany)
}

/// What undoes a change of such a link: what it lost comes back, what it gained goes.
pub(super) fn reverse(lost: &Value, gained: &Value) -> Value {
    Value::Pairs(Pairs { add: ids(lost).to_vec(), remove: ids(gained).to_vec() })
}

/// The links that others changed in records, by record: in which commit, of which field, with which target.
#[derive(Default)]
pub(super) struct Touched(HashMap<RecordId, Vec<(i64, FieldId, Uuid)>>);

impl Touched {
    /// What others than these runs did to records after a commit; nothing if that is too much to be looked through.
    pub(super) async fn read(
        ctx: &Ctx,
        tx: &TenantTx,
        records: &HashSet<RecordId>,
        after: i64,
        runs: [RunId; 2],
    ) -> Result<Option<Self>> {
        if records.is_empty() {
            return Ok(Some(Self::default()));
        }
        let mut sql = Sql::new(tx.dialect());
        sql.push("SELECT h.record_id, c.seq, h.diff FROM ").table("changes").push(" AS h JOIN ").table("commits");
        sql.push(" AS c ON c.id = h.commit_id WHERE h.record_id");
        sql.one_of(List::Ids(records.iter().map(|record| record.0).collect()));
        sql.push(" AND h.kind = 'UPDATED' AND h.diff IS NOT NULL AND c.seq > ").bind(after);
        sql.push(" AND (c.run IS NULL OR c.run NOT IN (").bind(runs[0].0).push(", ").bind(runs[1].0).push(")) LIMIT ");
        sql.number(MOST as i64 + 1);
        let (text, binds) = sql.into_parts();
        let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
        if rows.len() > MOST {
            return Ok(None);
        }
        let mut touched = Self::default();
        for row in rows {
            let record = RecordId(row.try_get_by_index(0)?);
            let seq: i64 = row.try_get_by_index(1)?;
            let diff: String = row.try_get_by_index(2)?;
            for (field, (from, to)) in history::changed(ctx, record, &diff)? {
                let pairs = ids(&from).iter().chain(ids(&to)).map(|target| (seq, field, *target));
                touched.0.entry(record).or_default().extend(pairs);
            }
        }
        Ok(Some(touched))
    }

    /// What undoes a change whose record others changed since; nothing if more than links was changed, or if the links
    /// are theirs by now.
    pub(super) fn reverse(
        &self,
        ctx: &Ctx,
        record: RecordId,
        seq: i64,
        diff: &BTreeMap<FieldId, (Value, Value)>,
    ) -> Option<Vec<(FieldId, Value)>> {
        let theirs = self.0.get(&record).map(Vec::as_slice).unwrap_or_default();
        let mut values = Vec::with_capacity(diff.len());
        for (id, (lost, gained)) in diff {
            ctx.catalog.field(*id).filter(|field| field.usable() && is_mutual(field))?;
            let ours = |target: &&Uuid| !theirs.iter().any(|(at, of, with)| *at > seq && of == id && with == *target);
            let left = |value: &Value| ids(value).iter().filter(ours).copied().collect::<Vec<_>>();
            let pairs = Pairs { add: left(lost), remove: left(gained) };
            if pairs != Pairs::default() {
                values.push((*id, Value::Pairs(pairs)));
            }
        }
        (!values.is_empty()).then_some(values)
    }
}

fn ids(value: &Value) -> &[Uuid] {
    match value {
        Value::Ids(ids) => ids,
        _ => &[],
    }
}
