//! Links to other records: whether their targets are there.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Dialect, TenantTx,
    error::{Error, FieldIssue, Issue, Result},
};
use uuid::Uuid;

use super::{
    draft::{Source, issue},
    transaction::{Outcomes, Row, WriteTransaction},
};
use crate::{
    catalog::{Cardinality, Field, FieldKind, Object, Relation},
    permission,
    sql::{List, Sql},
    values::{Target, Value},
};

/// The table and columns of a many-to-many link, seen from one field: `(table, own column, other column)`.
pub(crate) fn link_table(relation: &Relation) -> Option<(&str, &'static str, &'static str)> {
    if relation.cardinality != Cardinality::ManyToMany {
        return None;
    }
    let (own, other) = if relation.forward { ("a", "b") } else { ("b", "a") };
    relation.link_table.as_deref().map(|table| (table, own, other))
}

impl WriteTransaction<'_> {
    /// Takes rows out that link to records which are not there or archived. Links that exist stay as they are.
    pub(super) async fn refuse_dead_links(
        &self,
        object: &Object,
        rows: &mut Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if source == Source::Rule {
            return Ok(());
        }
        let links: Vec<(&Field, &Relation)> = object
            .fields
            .iter()
            .filter_map(|field| Some((field, field.relation()?)))
            .filter(|(field, _)| field.usable())
            .collect();
        let mut wanted: HashMap<ObjectId, HashSet<Uuid>> = HashMap::new();
        for row in rows.iter() {
            for (field, relation) in &links {
                wanted.entry(relation.to).or_default().extend(targets(row, field));
            }
        }
        let free: Vec<&Field> = object.fields.iter().filter(|field| field.usable() && is_link(field)).collect();
        for target in rows.iter().flat_map(|row| free.iter().filter_map(move |field| leads_to(row, field))) {
            wanted.entry(target.object).or_default().insert(target.record);
        }
        wanted.retain(|_, ids| !ids.is_empty());
        if wanted.is_empty() {
            return Ok(());
        }
        let mut alive: HashSet<Uuid> = HashSet::new();
        // whose record it is matters where a link says of which object it is
        let mut alive_of: HashSet<Target> = HashSet::new();
        for (id, ids) in wanted {
            if let Some(target) = self.ctx.catalog.object_by_id(id) {
                let living = living(&self.tx, target, ids).await?;
                let linkable = self.linkable(target, living, source).await?;
                alive_of.extend(linkable.iter().map(|record| Target { object: id, record: *record }));
                alive.extend(linkable);
            }
        }
        rows.retain(|row| {
            let dead = |field: &Field| targets(row, field).any(|id| !alive.contains(&id) && id != row.id.0);
            let gone =
                |field: &Field| leads_to(row, field).is_some_and(|to| !alive_of.contains(&to) && to.record != row.id.0);
            let related = links.iter().filter(|(field, _)| dead(field)).map(|(field, _)| *field);
            let linked = free.iter().copied().filter(|field| gone(field));
            let issues: Vec<FieldIssue> =
                related.chain(linked).map(|field| issue(field, Issue::NoSuchRecord)).collect();
            let kept = issues.is_empty();
            if !kept {
                out.push((row.index, Err(Error::invalid(issues))));
            }
            kept
        });
        Ok(())
    }

    /// Of living records, those that a caller sees: to the others there is no link, as there is no record.
    async fn linkable(&self, target: &Object, living: Vec<Uuid>, source: Source) -> Result<Vec<Uuid>> {
        if source != Source::Caller {
            return Ok(living);
        }
        let ids: Vec<RecordId> = living.into_iter().map(RecordId).collect();
        let seen = permission::visible(self.ctx, &self.tx, target, &ids).await?;
        Ok(seen.into_iter().map(|id| id.0).collect())
    }
}

/// Whether a field links to records of any object.
pub(super) fn is_link(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Link { .. })
}

/// Where a draft makes such a field lead.
fn leads_to(row: &Row, field: &Field) -> Option<Target> {
    Target::of(row.draft.get(field.id)?)
}

/// The targets that a draft adds to a link field.
fn targets<'r>(row: &'r Row, field: &Field) -> impl Iterator<Item = Uuid> + use<'r> {
    let ids = match row.draft.get(field.id) {
        Some(Value::Id(id)) => std::slice::from_ref(id),
        Some(Value::Ids(ids)) => ids,
        Some(Value::Pairs(pairs)) => &pairs.add,
        _ => &[],
    };
    ids.iter().copied()
}

/// Which of these records are there and not archived; on PostgreSQL they cannot go before the transaction ends.
pub(super) async fn living(tx: &TenantTx, object: &Object, ids: HashSet<Uuid>) -> Result<Vec<Uuid>> {
    let mut sql = Sql::new(tx.dialect());
    sql.push(r#"SELECT "id" FROM "#).table(&object.table).push(r#" WHERE "id""#);
    sql.one_of(List::Ids(ids.into_iter().collect())).push(r#" AND "archived_at" IS NULL"#);
    if tx.dialect() == Dialect::Postgres {
        sql.push(r#" ORDER BY "id" FOR KEY SHARE"#);
    }
    let (text, binds) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, binds)).await?;
    rows.into_iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}
