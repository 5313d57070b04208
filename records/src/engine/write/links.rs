//! Links to other records: whether their targets are there, and the tables of many-to-many ones.

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
    catalog::{Cardinality, Field, Object, Relation},
    columns::Stored,
    engine::{columns::Column, rows},
    permission,
    sql::{List, Sql},
    values::Value,
};

/// The table and columns of a many-to-many link, seen from one field: `(table, own column, other column)`.
pub(super) fn link_table(relation: &Relation) -> Option<(&str, &'static str, &'static str)> {
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
        wanted.retain(|_, ids| !ids.is_empty());
        if wanted.is_empty() {
            return Ok(());
        }
        let mut alive: HashSet<Uuid> = HashSet::new();
        for (target, ids) in wanted {
            if let Some(target) = self.ctx.catalog.object_by_id(target) {
                let living = living(&self.tx, target, ids).await?;
                alive.extend(self.linkable(target, living, source).await?);
            }
        }
        rows.retain(|row| {
            let dead = |field: &Field| targets(row, field).any(|id| !alive.contains(&id) && id != row.id.0);
            let issues: Vec<FieldIssue> = links
                .iter()
                .filter(|(field, _)| dead(field))
                .map(|(field, _)| issue(field, Issue::NoSuchRecord))
                .collect();
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

    /// The targets that records have in a many-to-many field, sorted.
    pub(super) async fn linked(&self, field: &Field, ids: &[RecordId]) -> Result<HashMap<RecordId, Vec<Uuid>>> {
        let mut linked: HashMap<RecordId, Vec<Uuid>> = HashMap::new();
        let Some((table, own, other)) = field.relation().and_then(link_table) else { return Ok(linked) };
        let mut sql = Sql::new(self.tx.dialect());
        sql.push("SELECT ").name(own).push(", ").name(other).push(" FROM ").table(table).push(" WHERE ").name(own);
        sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
        let (text, binds) = sql.into_parts();
        for row in self.tx.query_all_raw(self.tx.statement(text, binds)).await? {
            linked.entry(RecordId(row.try_get_by_index(0)?)).or_default().push(row.try_get_by_index(1)?);
        }
        for targets in linked.values_mut() {
            targets.sort_unstable();
        }
        Ok(linked)
    }

    /// Makes and takes away links of a many-to-many field: pairs of a record and a target.
    pub(super) async fn relink(
        &self,
        field: &Field,
        gone: &[(RecordId, Uuid)],
        new: &[(RecordId, Uuid)],
    ) -> Result<()> {
        let Some((table, own, other)) = field.relation().and_then(link_table) else { return Ok(()) };
        for (record, target) in gone {
            let sql = format!(r#"DELETE FROM "tenant"."{table}" WHERE "{own}" = $1 AND "{other}" = $2"#);
            self.tx.execute_raw(self.tx.statement(sql, vec![record.0.into(), (*target).into()])).await?;
        }
        let columns = [Column::new(own, Stored::Id), Column::new(other, Stored::Id)];
        let values = new.iter().flat_map(|(record, target)| [record.0.into(), (*target).into()]).collect();
        rows::insert(&self.tx, table, &columns, values).await?;
        Ok(())
    }
}

/// The targets that a draft adds to a link field.
fn targets(row: &Row, field: &Field) -> impl Iterator<Item = Uuid> + use<> {
    let had = row.draft.before.iter().find(|(id, _)| *id == field.id).map(|(_, value)| value);
    let ids = match (row.draft.get(field.id), had) {
        (Some(Value::Id(id)), _) => vec![*id],
        (Some(Value::Ids(ids)), Some(Value::Ids(had))) => ids.iter().filter(|id| !had.contains(id)).copied().collect(),
        (Some(Value::Ids(ids)), _) => ids.clone(),
        _ => Vec::new(),
    };
    ids.into_iter()
}

/// Which of these records are there and not archived; on PostgreSQL they cannot go before the transaction ends.
async fn living(tx: &TenantTx, object: &Object, ids: HashSet<Uuid>) -> Result<Vec<Uuid>> {
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

/// The same targets, each once, in the order in which they are compared.
pub(super) fn normal(ids: &[Uuid]) -> Vec<Uuid> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}
