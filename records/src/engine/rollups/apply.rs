//! What a transaction did to totals, written to their records: one lock and one update for each object and level.

use std::collections::{BTreeMap, BTreeSet};

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Dialect,
    error::{Code, Error, Result},
};

use super::{Delta, Deltas, Over, over, recompute};
use crate::{
    catalog::{self, Catalog, Field, Object, Rollup, RollupFunction},
    columns::Stored,
    engine::{columns::Column, rows, write::WriteTransaction},
    filter::Scope,
    sql::{List, Sql},
    values::decimal,
};

/// Totals that changed, from what to what.
pub(crate) type Changes = BTreeMap<(ObjectId, RecordId), BTreeMap<FieldId, (Option<i64>, Option<i64>)>>;

/// Applies what happened to totals of one object: one lock and one update for all of them.
pub(super) async fn apply_to<'a>(
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
    let Moved { mut totals, values, again } = moved(&write.ctx.catalog, &fields, deltas, &kept)?;
    if totals.is_empty() {
        return Ok(());
    }
    let changed: Vec<RecordId> = totals.keys().copied().collect();
    let above: Vec<FieldId> = above(write, object, &touched);
    write.count(object, &changed, -1, Some(&above)).await?;
    rows::update(&write.tx, &object.table, &table_columns(&fields), values, None).await?;
    for (field, ids) in &again {
        recompute(&write.tx, Scope::of(write.ctx), *field, ids).await?;
    }
    write.count(object, &changed, 1, Some(&above)).await?;
    let looked_for: Vec<RecordId> = again.into_values().flatten().collect();
    if !looked_for.is_empty() {
        totals.extend(lock(write, object, &fields, &looked_for).await?);
    }
    for (id, new) in &totals {
        let Some(old) = kept.get(id) else { continue };
        for ((field, _), (old, new)) in fields.iter().zip(old.iter().zip(new)) {
            let (old, new) = (old.first().copied().flatten(), new.first().copied().flatten());
            if old != new {
                let change = changes.entry((object.id, *id)).or_default().entry(field.id).or_insert((old, new));
                change.1 = new;
            }
        }
    }
    Ok(())
}

/// The columns of each total of a record.
type Columns = Vec<Vec<Option<i64>>>;

/// What deltas make of the totals of one object.
#[derive(Default)]
struct Moved {
    /// The totals of the records that changed, or may have.
    totals: BTreeMap<RecordId, Columns>,
    /// The same as values of [`table_columns`], without those that stay.
    values: Vec<sea_orm::Value>,
    /// Totals whose extreme went, so that it must be looked for.
    again: BTreeMap<FieldId, Vec<RecordId>>,
}

fn moved(
    catalog: &Catalog,
    fields: &[(&Field, &Rollup)],
    deltas: &Deltas,
    kept: &BTreeMap<RecordId, Columns>,
) -> Result<Moved> {
    let mut moved = Moved::default();
    let factors =
        fields.iter().map(|(field, _)| catalog::source(catalog, field.id).map_or(1, |of| of.average_factor()));
    let factors: Vec<i64> = factors.collect();
    for (id, old) in kept {
        let mut new = Vec::with_capacity(old.len());
        let mut look = false;
        for (((field, rollup), factor), old) in fields.iter().zip(&factors).zip(old) {
            let delta = deltas.get(id).and_then(|deltas| deltas.get(&field.id));
            let next = delta.map_or(Ok(Some(old.clone())), |delta| next(rollup.function, *factor, old, delta))?;
            if next.is_none() {
                moved.again.entry(field.id).or_default().push(*id);
                look = true;
            }
            new.push(next.unwrap_or_else(|| old.clone()));
        }
        if new != *old {
            moved.values.push(sea_orm::Value::from(id.0));
            moved.values.extend(new.iter().flatten().copied().map(sea_orm::Value::BigInt));
        }
        if look || new != *old {
            moved.totals.insert(*id, new);
        }
    }
    Ok(moved)
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

/// Locks parents in the order of their ids and reads the columns of their totals, by total.
async fn lock(
    write: &WriteTransaction<'_>,
    object: &Object,
    fields: &[(&Field, &Rollup)],
    ids: &[RecordId],
) -> Result<BTreeMap<RecordId, Columns>> {
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
