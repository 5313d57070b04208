//! Links between many records on both sides, pair by pair: what a write adds and takes away, whatever the length of the
//! lists that it leaves alone.

use std::collections::{HashMap, HashSet};

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::error::{Code, Error, Result};
use uuid::Uuid;

use super::{
    Source,
    links::{link_table, living},
    transaction::{Row, WriteTransaction},
};
use crate::{
    catalog::{Field, Object, Relation},
    columns::Stored,
    engine::{columns::Column, rows},
    permission,
    sql::{List, Sql},
    values::{Pairs, Value},
};

/// Pairs that one write looks through. Whole lists beyond that are to be changed bit by bit.
const MOST_PAIRS: usize = 100_000;

/// Pairs of a record and a target.
type Linked = HashMap<RecordId, HashSet<Uuid>>;

/// The many-to-many links of an object.
pub(super) fn linked_fields(object: &Object) -> impl Iterator<Item = (&Field, &Relation)> {
    let links = object.fields.iter().filter_map(|field| Some((field, field.relation()?)));
    links.filter(|(field, relation)| field.usable() && link_table(relation).is_some())
}

impl WriteTransaction<'_> {
    /// Puts into the drafts which pairs their many-to-many links really gain and lose. A caller neither takes away nor
    /// keeps what they do not see: for them it is not there.
    pub(super) async fn pair_up(&self, object: &Object, rows: &mut [Row], source: Source) -> Result<()> {
        for (field, relation) in linked_fields(object) {
            let mut wanted: Vec<(&mut Row, Wanted)> = rows
                .iter_mut()
                .filter_map(|row| {
                    let wanted = Wanted::of(row.draft.get(field.id)?)?;
                    Some((row, wanted))
                })
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let mut had = self.had(relation, &wanted).await?;
            let others: HashSet<Uuid> = had.values().flatten().copied().collect();
            let target = self.ctx.catalog.object_by_id(relation.to);
            if let Some(target) = target.filter(|_| source == Source::Caller) {
                let others: Vec<RecordId> = others.into_iter().map(RecordId).collect();
                let seen = permission::visible(self.ctx, &self.tx, target, &others).await?;
                had.values_mut().for_each(|had| had.retain(|id| seen.contains(&RecordId(*id))));
            }
            for (row, wanted) in &mut wanted {
                let pairs = wanted.beyond(had.get(&row.id));
                row.draft.set(field.id, Value::Pairs(pairs));
            }
            if let Some(target) = target.filter(|_| source == Source::Journal) {
                let rows = wanted.into_iter().map(|(row, _)| row);
                self.only_living(field, target, rows.collect()).await?;
            }
        }
        Ok(())
    }

    /// What is linked of that which the rows are about: everything where a list is given, otherwise its pairs alone.
    async fn had(&self, relation: &Relation, wanted: &[(&mut Row, Wanted)]) -> Result<Linked> {
        let mut had = Linked::new();
        let whole = wanted.iter().filter(|(_, wanted)| matches!(wanted, Wanted::All(_)));
        let whole: Vec<Uuid> = whole.map(|(row, _)| row.id.0).collect();
        let parts = wanted.iter().filter_map(|(row, wanted)| match wanted {
            Wanted::All(_) => None,
            Wanted::Pairs(pairs) => Some((row.id.0, pairs)),
        });
        let (parts, pairs): (Vec<Uuid>, Vec<&Pairs>) = parts.unzip();
        let named: HashSet<Uuid> =
            pairs.into_iter().flat_map(|pairs| pairs.add.iter().chain(&pairs.remove)).copied().collect();
        if !whole.is_empty() {
            self.read_pairs(relation, whole, None, &mut had).await?;
        }
        if !parts.is_empty() && !named.is_empty() {
            self.read_pairs(relation, parts, Some(named.into_iter().collect()), &mut had).await?;
        }
        Ok(had)
    }

    async fn read_pairs(
        &self,
        relation: &Relation,
        ids: Vec<Uuid>,
        among: Option<Vec<Uuid>>,
        found: &mut Linked,
    ) -> Result<()> {
        let Some((table, own, other)) = link_table(relation) else { return Ok(()) };
        let mut sql = Sql::new(self.tx.dialect());
        sql.push("SELECT ").name(own).push(", ").name(other).push(" FROM ").table(table).push(" WHERE ").name(own);
        sql.one_of(List::Ids(ids));
        if let Some(among) = among {
            sql.push(" AND ").name(other).one_of(List::Ids(among));
        }
        sql.push(" LIMIT ").number(MOST_PAIRS as i64 + 1);
        let (text, binds) = sql.into_parts();
        let rows = self.tx.query_all_raw(self.tx.statement(text, binds)).await?;
        if rows.len() > MOST_PAIRS {
            let message = format!("More than {MOST_PAIRS} links would change at once; add and remove them bit by bit.");
            return Err(Error::new(Code::Conflict, message));
        }
        for row in rows {
            found.entry(RecordId(row.try_get_by_index(0)?)).or_default().insert(row.try_get_by_index(1)?);
        }
        Ok(())
    }

    /// What the history brings back and is gone by now, stays gone.
    async fn only_living(&self, field: &Field, target: &Object, rows: Vec<&mut Row>) -> Result<()> {
        let added = rows.iter().filter_map(|row| pairs(row, field)).flat_map(|pairs| pairs.add.iter().copied());
        let added: HashSet<Uuid> = added.collect();
        if added.is_empty() {
            return Ok(());
        }
        let alive: HashSet<Uuid> = living(&self.tx, target, added).await?.into_iter().collect();
        for row in rows {
            if let Some((_, Value::Pairs(pairs))) = row.draft.values.iter_mut().find(|(id, _)| *id == field.id) {
                pairs.add.retain(|id| alive.contains(id));
            }
        }
        Ok(())
    }

    /// Makes and takes away the links of new records, or of changed ones.
    pub(super) async fn relink<'r>(&self, object: &Object, rows: impl Iterator<Item = &'r Row> + Clone) -> Result<()> {
        for (field, relation) in linked_fields(object) {
            let Some((table, own, other)) = link_table(relation) else { continue };
            let (mut gone, mut new) = (Vec::new(), Vec::new());
            for row in rows.clone() {
                let pair = |target: &Uuid| [row.id.0.into(), (*target).into()];
                match row.draft.get(field.id) {
                    Some(Value::Ids(ids)) => new.extend(ids.iter().flat_map(pair)),
                    Some(Value::Pairs(pairs)) => {
                        gone.extend(pairs.remove.iter().flat_map(pair));
                        new.extend(pairs.add.iter().flat_map(pair));
                    }
                    _ => {}
                }
            }
            let columns = [Column::new(own, Stored::Id), Column::new(other, Stored::Id)];
            rows::delete(&self.tx, table, &columns, gone).await?;
            rows::insert_missing(&self.tx, table, &columns, new).await?;
        }
        Ok(())
    }
}

/// What is to become of a link.
enum Wanted {
    /// These targets and no others.
    All(HashSet<Uuid>),
    Pairs(Pairs),
}

impl Wanted {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Wanted::All(HashSet::new())),
            Value::Ids(ids) => Some(Wanted::All(ids.iter().copied().collect())),
            Value::Pairs(pairs) => Some(Wanted::Pairs(pairs.clone())),
            _ => None,
        }
    }

    /// What this changes where `had` is linked, in the order of ids.
    fn beyond(&self, had: Option<&HashSet<Uuid>>) -> Pairs {
        let is_linked = |id: &Uuid| had.is_some_and(|had| had.contains(id));
        let mut pairs = match self {
            Wanted::All(all) => Pairs {
                add: all.iter().filter(|id| !is_linked(id)).copied().collect(),
                remove: had.into_iter().flatten().filter(|id| !all.contains(id)).copied().collect(),
            },
            Wanted::Pairs(pairs) => Pairs {
                add: pairs.add.iter().filter(|id| !is_linked(id)).copied().collect(),
                remove: pairs.remove.iter().filter(|id| is_linked(id)).copied().collect(),
            },
        };
        for ids in [&mut pairs.add, &mut pairs.remove] {
            ids.sort_unstable();
            ids.dedup();
        }
        pairs
    }
}

fn pairs<'r>(row: &'r Row, field: &Field) -> Option<&'r Pairs> {
    match row.draft.get(field.id) {
        Some(Value::Pairs(pairs)) => Some(pairs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_a_pair() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let had = HashSet::from([a, b]);
        let of = |value: Value| Wanted::of(&value).unwrap().beyond(Some(&had));
        assert_eq!(of(Value::Ids(vec![c, b])), Pairs { add: vec![c], remove: vec![a] });
        assert_eq!(of(Value::Null), Pairs { add: vec![], remove: vec![a, b] });
        let pairs = Pairs { add: vec![c, a, c], remove: vec![b] };
        assert_eq!(of(Value::Pairs(pairs)), Pairs { add: vec![c], remove: vec![b] });
        let pairs = Pairs { add: vec![a], remove: vec![c] };
        assert_eq!(of(Value::Pairs(pairs)), Pairs::default());
    }
}
