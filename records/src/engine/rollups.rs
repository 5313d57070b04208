//! Kept totals (rollups): what a transaction adds to and takes from each parent, gathered while it writes and applied
//! once, in the order of the parents' ids. Parents keep their version and history: a total is no change of theirs.

use std::collections::{BTreeMap, BTreeSet};

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Dialect, TenantTx,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use super::{
    columns::{self, Column},
    rows,
    write::WriteTransaction,
};
use crate::{
    catalog::{self, Cardinality, Field, Object, Rollup, RollupFunction},
    columns::Stored,
    filter::{self, Scope},
    sql::{List, Sql},
    values::decimal,
};

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
        let wanted = |over: &Over<'_>| only.is_none_or(|only| only.contains(&over.field.id));
        for total in over(self, object).into_iter().filter(wanted) {
            let mut sql = Sql::new(self.tx.dialect());
            sql.push("SELECT ").column("t0", &total.link.column).push(", ");
            push_value(&mut sql, &total);
            push_source(&mut sql, self, object, &total)?;
            sql.push(" AND ").column("t0", "id").one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
            let (text, binds) = sql.into_parts();
            let found = self.tx.query_all_raw(self.tx.statement(text, binds)).await?;
            let parents = self.rollups.0.entry(total.parent.id).or_default();
            for row in found {
                let parent = RecordId(row.try_get_by_index(0)?);
                let value: Option<i64> = row.try_get_by_index(1)?;
                if total.value.is_some() && value.is_none() {
                    continue;
                }
                let delta = parents.entry(parent).or_default().entry(total.field.id).or_default();
                delta.count += sign;
                if let Some(value) = value {
                    delta.sum += i128::from(sign) * i128::from(value);
                    *delta.values.entry(value).or_default() += sign;
                }
            }
        }
        Ok(())
    }
}

impl Rollups {
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
/// Totals that changed, from what to what.
pub(crate) type Changes = BTreeMap<(ObjectId, RecordId), BTreeMap<FieldId, (Option<i64>, Option<i64>)>>;

/// Applies what happened to totals of one object: one lock and one update for all of them.
async fn apply_to<'a>(
    write: &mut WriteTransaction<'a>,
    object: &'a Object,
    deltas: &Deltas,
    changes: &mut Changes,
) -> Result<()> {
    let touched: BTreeSet<FieldId> = deltas.values().flat_map(|deltas| deltas.keys().copied()).collect();
    let fields: Vec<(&Field, &Rollup)> = object
        .fields
        .iter()
        .filter(|field| touched.contains(&field.id))
        .filter_map(|field| Some((field, field.rollup()?)))
        .collect();
    let ids: Vec<RecordId> = deltas.keys().copied().collect();
    let kept = lock(write, object, &fields, &ids).await?;
    let mut again: BTreeMap<FieldId, Vec<RecordId>> = BTreeMap::new();
    let (mut changed, mut values) = (Vec::new(), Vec::new());
    for (id, old) in &kept {
        let mut new = Vec::with_capacity(old.len());
        let mut looked_for = false;
        for ((field, rollup), old) in fields.iter().zip(old) {
            let delta = deltas.get(id).and_then(|deltas| deltas.get(&field.id));
            let factor = catalog::source(&write.ctx.catalog, field.id).map_or(1, |source| source.average_factor());
            let next = delta.map_or(Ok(Some(old.clone())), |delta| next(rollup.function, factor, old, delta))?;
            if next.is_none() {
                again.entry(field.id).or_default().push(*id);
                looked_for = true;
            }
            new.push(next.unwrap_or_else(|| old.clone()));
        }
        if looked_for || new != *old {
            changed.push(*id);
        }
        if new != *old {
            values.push(sea_orm::Value::from(id.0));
            values.extend(new.into_iter().flatten().map(sea_orm::Value::BigInt));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let above: Vec<FieldId> = above(write, object, &touched);
    write.count(object, &changed, -1, Some(&above)).await?;
    rows::update(&write.tx, &object.table, &table_columns(&fields), values, None).await?;
    for (field, ids) in again {
        recompute(&write.tx, Scope::of(write.ctx), field, &ids).await?;
    }
    write.count(object, &changed, 1, Some(&above)).await?;
    for (id, new) in lock(write, object, &fields, &changed).await? {
        let Some(old) = kept.get(&id) else { continue };
        for ((field, _), (old, new)) in fields.iter().zip(old.iter().zip(&new)) {
            let (old, new) = (old.first().copied().flatten(), new.first().copied().flatten());
            if old != new {
                let change = changes.entry((object.id, id)).or_default().entry(field.id).or_insert((old, new));
                change.1 = new;
            }
        }
    }
    Ok(())
}

/// The totals that are over these fields, or whose filter looks at one of them.
fn above(write: &WriteTransaction<'_>, object: &Object, touched: &BTreeSet<FieldId>) -> Vec<FieldId> {
    let looks = |over: &Over<'_>| {
        over.rollup.field.is_some_and(|field| touched.contains(&field))
            || over.rollup.filter.as_ref().is_some_and(|filter| filter.looks_at(&|field| touched.contains(&field)))
    };
    over(write, object).into_iter().filter(looks).map(|over| over.field.id).collect()
}

/// The columns of a total after a change; none where its extreme went, so that it must be looked for.
/// A mean is finer than its values by `factor`.
fn next(function: RollupFunction, factor: i64, old: &[Option<i64>], delta: &Delta) -> Result<Option<Vec<Option<i64>>>> {
    let at = |i: usize| i128::from(old.get(i).copied().flatten().unwrap_or(0));
    Ok(match function {
        RollupFunction::Count => Some(vec![Some(fit(at(0) + i128::from(delta.count))?)]),
        RollupFunction::Sum => Some(vec![Some(fit(at(0) + delta.sum)?)]),
        RollupFunction::Avg => Some(average(factor, at(1) + delta.sum, at(2) + i128::from(delta.count))?),
        RollupFunction::Min | RollupFunction::Max => {
            let better = |a: i64, b: i64| if function == RollupFunction::Min { a.min(b) } else { a.max(b) };
            let current = old.first().copied().flatten();
            let went = |value: i64| delta.values.get(&value).is_some_and(|times| *times < 0);
            if current.is_some_and(went) {
                return Ok(None);
            }
            let came = delta.values.iter().filter(|(_, times)| **times > 0).map(|(value, _)| *value);
            Some(vec![current.into_iter().chain(came).reduce(better)])
        }
    })
}

/// Mean, sum and number, as an average keeps them.
fn average(factor: i64, sum: i128, count: i128) -> Result<Vec<Option<i64>>> {
    let mean = if count > 0 { Some(fit(decimal::divide(sum * i128::from(factor), count))?) } else { None };
    Ok(vec![mean, Some(fit(sum)?), Some(fit(count)?)])
}

fn fit(number: i128) -> Result<i64> {
    i64::try_from(number).map_err(|_| {
        Error::new(Code::NumberOverflow, "A total over these records would be larger than the number can hold.")
    })
}

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

fn push_value(sql: &mut Sql, total: &Over<'_>) {
    match total.value {
        Some(field) => _ = sql.column("t0", &columns::compared(field)),
        None => _ = sql.push("CAST(NULL AS bigint)"),
    }
}

/// The records that a total is over: linked, not archived, matching its filter.
fn push_source(sql: &mut Sql, write: &WriteTransaction<'_>, child: &Object, total: &Over<'_>) -> Result<()> {
    sql.push(" FROM ").table(&child.table).push(" AS t0 WHERE ").column("t0", &total.link.column);
    sql.push(" IS NOT NULL AND ").column("t0", "archived_at").push(" IS NULL");
    if let Some(filter) = &total.rollup.filter {
        sql.push(" AND ");
        filter::predicate(sql, Scope::of(write.ctx), child, "t0", filter)?;
    }
    Ok(())
}

/// Locks parents in the order of their ids and reads the columns of their totals, by total.
async fn lock(
    write: &WriteTransaction<'_>,
    object: &Object,
    fields: &[(&Field, &Rollup)],
    ids: &[RecordId],
) -> Result<BTreeMap<RecordId, Vec<Vec<Option<i64>>>>> {
    let mut sql = Sql::new(write.tx.dialect());
    sql.push("SELECT ");
    for (i, column) in table_columns(fields).iter().enumerate() {
        sql.push(if i == 0 { "" } else { ", " }).name(&column.name);
    }
    sql.push(" FROM ").table(&object.table).push(r#" WHERE "id""#);
    sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
    if write.tx.dialect() == Dialect::Postgres {
        sql.push(r#" ORDER BY "id" FOR NO KEY UPDATE"#);
    }
    let (text, binds) = sql.into_parts();
    let mut kept = BTreeMap::new();
    for row in write.tx.query_all_raw(write.tx.statement(text, binds)).await? {
        let mut at = 1;
        let mut totals = Vec::with_capacity(fields.len());
        for (_, rollup) in fields {
            let next = at + width(rollup);
            totals.push((at..next).map(|i| Ok(row.try_get_by_index(i)?)).collect::<Result<Vec<_>>>()?);
            at = next;
        }
        kept.insert(RecordId(row.try_get_by_index(0)?), totals);
    }
    Ok(kept)
}

/// How many columns a total has.
fn width(rollup: &Rollup) -> usize {
    if rollup.function == RollupFunction::Avg { 3 } else { 1 }
}

/// `id` and the columns of totals.
fn table_columns(fields: &[(&Field, &Rollup)]) -> Vec<Column> {
    let mut columns = vec![Column::new("id", Stored::Id)];
    for (field, rollup) in fields {
        let suffixes: &[&str] = if width(rollup) > 1 { &["", "_s", "_n"] } else { &[""] };
        let named = |suffix: &&str| Column::new(format!("{}{suffix}", field.column), Stored::Int);
        columns.extend(suffixes.iter().map(named));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(values: &[(i64, i64)]) -> Delta {
        Delta {
            count: values.iter().map(|(_, times)| times).sum(),
            sum: values.iter().map(|(value, times)| i128::from(*value) * i128::from(*times)).sum(),
            values: values.iter().copied().collect(),
        }
    }

    #[test]
    fn sums_and_means_move_by_what_came_and_went() {
        let delta = delta(&[(10, 1), (4, -1)]);
        assert_eq!(next(RollupFunction::Count, 1, &[Some(3)], &delta).unwrap(), Some(vec![Some(3)]));
        assert_eq!(next(RollupFunction::Sum, 1, &[Some(20)], &delta).unwrap(), Some(vec![Some(26)]));
        let mean = next(RollupFunction::Avg, 1, &[Some(7), Some(20), Some(3)], &delta).unwrap();
        assert_eq!(mean, Some(vec![Some(9), Some(26), Some(3)]));
        let last = next(RollupFunction::Avg, 1, &[Some(4), Some(4), Some(1)], &self::delta(&[(4, -1)])).unwrap();
        assert_eq!(last, Some(vec![None, Some(0), Some(0)]));
    }

    #[test]
    fn extremes_are_looked_for_only_when_they_went() {
        let came = delta(&[(10, 1), (2, -1)]);
        assert_eq!(next(RollupFunction::Max, 1, &[Some(9)], &came).unwrap(), Some(vec![Some(10)]));
        assert_eq!(next(RollupFunction::Max, 1, &[None], &delta(&[(1, 1)])).unwrap(), Some(vec![Some(1)]));
        assert_eq!(next(RollupFunction::Max, 1, &[Some(9)], &delta(&[(9, -1)])).unwrap(), None);
        assert_eq!(next(RollupFunction::Min, 1, &[Some(2)], &delta(&[(2, 0)])).unwrap(), Some(vec![Some(2)]));
    }

    #[test]
    fn a_total_beyond_the_number_is_named() {
        let error = next(RollupFunction::Sum, 1, &[Some(i64::MAX)], &delta(&[(1, 1)])).unwrap_err();
        assert_eq!(error.code(), Code::NumberOverflow);
    }
}
