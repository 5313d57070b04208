//! Kept totals (rollups): what a transaction adds to and takes from each parent, gathered while it writes and applied
//! once, in the order of the parents' ids. Parents keep their version and history: a total is no change of theirs.

mod apply;

use std::collections::BTreeMap;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{TenantTx, error::Result};
use uuid::Uuid;

use super::{columns, write::WriteTransaction};
use crate::{
    catalog::{self, Cardinality, Field, Object, Rollup},
    filter::{self, Scope},
    sql::{List, Sql},
};
pub(crate) use apply::Changes;
use apply::apply_to;

/// What happened to one total of one parent.
#[derive(Default)]
struct Delta {
    count: i64,
    sum: i128,
    /// How often each value came (or, negative, went): for the least and the greatest.
    values: BTreeMap<i64, i64>,
}

/// What a transaction does to totals.
#[derive(Default)]
pub(crate) struct Rollups(BTreeMap<ObjectId, BTreeMap<RecordId, BTreeMap<FieldId, Delta>>>);

/// A total over records of the object being written.
struct Over<'a> {
    parent: &'a Object,
    field: &'a Field,
    rollup: &'a Rollup,
    /// The link from the record to the parent.
    link: &'a Field,
    /// What is totalled.
    value: Option<&'a Field>,
}

impl<'a> WriteTransaction<'a> {
    /// Whether changes of these fields can change a total.
    pub(super) fn counts(&self, object: &'a Object, touched: &[FieldId]) -> bool {
        over(self, object).iter().any(|total| {
            touched.contains(&total.link.id)
                || total.rollup.field.is_some_and(|field| touched.contains(&field))
                || total.rollup.filter.as_ref().is_some_and(|filter| filter.looks_at(&|field| touched.contains(&field)))
        })
    }

    /// Takes records, as they stand now, out of the totals over them.
    pub(super) async fn count_out(&mut self, object: &'a Object, ids: &[RecordId]) -> Result<()> {
        self.count(object, ids, -1, None).await
    }

    /// Adds records, as they stand now, to the totals over them.
    pub(super) async fn count_in(&mut self, object: &'a Object, ids: &[RecordId]) -> Result<()> {
        self.count(object, ids, 1, None).await
    }

    /// Adds or takes away records; with `only`, of these totals alone.
    async fn count(&mut self, object: &'a Object, ids: &[RecordId], sign: i64, only: Option<&[FieldId]>) -> Result<()> {
        if ids.is_empty() || only.is_some_and(<[FieldId]>::is_empty) {
            return Ok(());
        }
        let mut totals = over(self, object);
        totals.retain(|over| only.is_none_or(|only| only.contains(&over.field.id)));
        for of_link in totals.chunk_by(|one, next| one.link.id == next.link.id) {
            let (text, binds) = counted(self, object, of_link, ids)?.into_parts();
            let found = self.tx.query_all_raw(self.tx.statement(text, binds)).await?;
            for row in found {
                let parent = RecordId(row.try_get_by_index(0)?);
                for (i, total) in of_link.iter().enumerate() {
                    let (counts, value): (i64, Option<i64>) =
                        (row.try_get_by_index(1 + 2 * i)?, row.try_get_by_index(2 + 2 * i)?);
                    if counts == 1 && (total.value.is_none() || value.is_some()) {
                        self.rollups.delta(total, parent).add(value, sign);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Delta {
    fn add(&mut self, value: Option<i64>, sign: i64) {
        self.count += sign;
        if let Some(value) = value {
            self.sum += i128::from(sign) * i128::from(value);
            *self.values.entry(value).or_default() += sign;
        }
    }
}

impl Rollups {
    fn delta(&mut self, total: &Over<'_>, parent: RecordId) -> &mut Delta {
        self.0.entry(total.parent.id).or_default().entry(parent).or_default().entry(total.field.id).or_default()
    }

    /// Those of one level, by object and record.
    fn take(&mut self, level: impl Fn(FieldId) -> bool) -> BTreeMap<ObjectId, Deltas> {
        let mut taken: BTreeMap<ObjectId, Deltas> = BTreeMap::new();
        for (object, parents) in &mut self.0 {
            for (parent, deltas) in parents {
                let due: Vec<FieldId> = deltas.keys().copied().filter(|field| level(*field)).collect();
                for field in due {
                    if let Some(delta) = deltas.remove(&field) {
                        taken.entry(*object).or_default().entry(*parent).or_default().insert(field, delta);
                    }
                }
            }
        }
        taken
    }

    /// Writes the new totals. Called once, when all rows are written: those over plain fields first, then those over
    /// these. A changed total is noted for the feed, once for each record.
    pub(super) async fn apply(write: &mut WriteTransaction<'_>) -> Result<()> {
        let mut changes = Changes::new();
        for level in 1..=catalog::ROLLUP_LEVELS {
            let catalog = &write.ctx.catalog;
            for (object, deltas) in write.rollups.take(|field| catalog::rollup_level(catalog, field) == level) {
                if let Some(object) = write.ctx.catalog.object_by_id(object) {
                    apply_to(write, object, &deltas, &mut changes).await?;
                }
            }
        }
        write.note_rollups(changes)
    }
}

/// What happened to totals, by record.
type Deltas = BTreeMap<RecordId, BTreeMap<FieldId, Delta>>;

/// Computes a total anew for parents whose rows are locked: what others add meanwhile comes after.
pub(crate) async fn recompute(tx: &TenantTx, scope: Scope<'_>, total: FieldId, parents: &[RecordId]) -> Result<()> {
    let (Some(source), false) = (catalog::source(scope.catalog, total), parents.is_empty()) else { return Ok(()) };
    let ids: Vec<Uuid> = parents.iter().map(|id| id.0).collect();
    let condition = source.condition(tx.dialect(), scope)?;
    for sql in source.refill(tx.dialect(), &ids, &condition) {
        let (text, binds) = sql.into_parts();
        tx.execute_raw(tx.statement(text, binds)).await?;
    }
    Ok(())
}

/// The totals kept over an object's records.
fn over<'a>(write: &WriteTransaction<'a>, object: &'a Object) -> Vec<Over<'a>> {
    let catalog = &write.ctx.catalog;
    let to_one = |field: &&Field| {
        field.usable() && field.relation().is_some_and(|relation| relation.cardinality == Cardinality::ManyToOne)
    };
    object
        .fields
        .iter()
        .filter(to_one)
        .flat_map(|link| {
            catalog.rollups_over(link.id).map(move |(parent, field, rollup)| (link, parent, field, rollup))
        })
        .map(|(link, parent, field, rollup)| {
            let value = rollup.field.and_then(|id| catalog.field(id));
            Over { parent, field, rollup, link, value }
        })
        .collect()
}

/// Reads what records add to the totals over one of their links: the parent, and for each total whether the record counts
/// and its value. Archived records count nowhere.
fn counted(write: &WriteTransaction<'_>, child: &Object, totals: &[Over<'_>], ids: &[RecordId]) -> Result<Sql> {
    let mut sql = Sql::new(write.tx.dialect());
    let Some(link) = totals.first().map(|total| &total.link.column) else { return Ok(sql) };
    sql.push("SELECT ").column("t0", link);
    for total in totals {
        match &total.rollup.filter {
            None => _ = sql.push(", CAST(1 AS bigint), "),
            Some(filter) => {
                sql.push(", CAST(CASE WHEN ");
                filter::predicate(&mut sql, Scope::of(write.ctx), child, "t0", filter)?;
                sql.push(" THEN 1 ELSE 0 END AS bigint), ");
            }
        }
        match total.value {
            Some(field) => _ = sql.column("t0", &columns::compared(field)),
            None => _ = sql.push("CAST(NULL AS bigint)"),
        }
    }
    sql.push(" FROM ").table(&child.table).push(" AS t0 WHERE ").column("t0", link).push(" IS NOT NULL AND ");
    sql.column("t0", "archived_at").push(" IS NULL AND ").column("t0", "id");
    sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
    Ok(sql)
}
