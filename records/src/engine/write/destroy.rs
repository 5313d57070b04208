//! Really removing records, and what that does to those that point at them.

use std::collections::BTreeMap;

use entities::ids::{FieldId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Operation,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use super::{
    super::{Change, Draft},
    Source, WriteOutcome,
    archive::done,
    before::{self, Lock},
    links,
    transaction::{self, Outcomes, Row, WriteTransaction},
};
use crate::{
    catalog::{Cardinality, Field, Object, OnDestroy},
    engine::WriteKind,
    permission,
    sql::{List, Sql},
    values::{Pairs, Target, Value},
};

/// Records that may go or lose their link together with one, at each step.
const MOST_DEPENDANTS: usize = 10_000;

impl<'a> WriteTransaction<'a> {
    pub(super) async fn destroy(
        &mut self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.permit(object, Operation::Destroy, source)?;
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        let reads = self.ctx.rules.required_fields(&self.ctx.catalog, object);
        let reads: Vec<&Field> = object.fields.iter().filter(|field| reads.contains(&field.id)).collect();
        let mut stored = before::lock(self, object, &ids, &reads, Lock::Remove).await?;
        let (mut there, missing): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| stored.contains_key(&row.id));
        out.extend(missing.into_iter().map(|row| (row.index, Err(Error::of(Code::NotFound)))));
        let ids: Vec<RecordId> = there.iter().map(|row| row.id).collect();
        let mut refusals = self.refusals(object, &ids, Operation::Destroy, source).await?;
        there.retain(|row| match refusals.remove(&row.id) {
            Some(refusal) => {
                out.push((row.index, Err(refusal)));
                false
            }
            None => true,
        });
        for row in &mut there {
            row.draft.before = stored.get(&row.id).map(|stored| stored.values.clone()).unwrap_or_default();
        }
        self.check(object, WriteKind::Destroyed, &mut there, source, out).await?;
        let ids: Vec<RecordId> = there.iter().map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.detach(object, &ids).await?;
        self.count_out(object, &ids).await?;
        self.remove(&object.table, "id", &ids).await?;
        self.erase(object.id, &ids).await?;
        for row in there {
            self.journal(object.id, row.id, WriteKind::Destroyed, None);
            let values = stored.remove(&row.id).map(|stored| stored.values).unwrap_or_default();
            out.push((row.index, Ok(WriteOutcome { values, ..done(object, row.id, WriteKind::Destroyed) })));
        }
        Ok(())
    }

    /// Does to the records that point at these what their relations say.
    async fn detach(&mut self, object: &'a Object, ids: &[RecordId]) -> Result<()> {
        let catalog = &self.ctx.catalog;
        let fields = catalog.objects.iter().flat_map(|o| o.fields.iter().map(move |field| (o, field)));
        for (other, field) in fields.collect::<Vec<_>>() {
            if field.usable() && links::is_link(field) {
                self.detach_links(object, other, field, ids).await?;
            }
            let Some(relation) = field.relation().filter(|relation| relation.to == object.id && field.usable()) else {
                continue;
            };
            match relation.cardinality {
                Cardinality::ManyToOne => self.detach_to_one(other, field, relation.on_destroy, ids).await?,
                Cardinality::ManyToMany => self.detach_many(other, field, ids).await?,
                Cardinality::OneToMany => {}
            }
        }
        // links that only this side shows
        for field in object.fields.iter() {
            if let Some((table, own, _)) = field.relation().and_then(links::link_table) {
                self.remove(table, own, ids).await?;
            }
        }
        Ok(())
    }

    async fn detach_to_one(
        &mut self,
        other: &'a Object,
        field: &Field,
        on_destroy: OnDestroy,
        ids: &[RecordId],
    ) -> Result<()> {
        let dependants: Vec<RecordId> = self
            .pointing(&other.table, "id", &field.column, ids)
            .await?
            .into_iter()
            .map(|(id, _)| id)
            // records that go together need not be asked about each other
            .filter(|id| !ids.contains(id))
            .collect();
        if dependants.is_empty() {
            return Ok(());
        }
        let changes: Vec<Change> = match on_destroy {
            OnDestroy::Restrict => {
                let message = format!(
                    "{} records of {} still point here by {}; move or destroy them first.",
                    dependants.len(),
                    other.plural,
                    field.name
                );
                let error = Error::new(Code::Conflict, message).with("object", other.name.clone());
                let error = error.with("field", field.name.clone());
                let seen = permission::visible(self.ctx, &self.tx, other, &dependants).await?;
                let named = dependants.iter().find(|id| seen.contains(id));
                return Err(match named {
                    Some(id) => error.with("id", id.to_string()),
                    None => error,
                });
            }
            OnDestroy::SetNull => dependants.into_iter().map(|id| set(id, field.id, Value::Null)).collect(),
            OnDestroy::Cascade => dependants.into_iter().map(|id| Change::Destroy { id }).collect(),
        };
        self.run_boxed(other, changes).await
    }

    /// Empties the links to records of any object that lead to these.
    async fn detach_links(
        &mut self,
        object: &Object,
        other: &'a Object,
        field: &Field,
        ids: &[RecordId],
    ) -> Result<()> {
        let stored = ids.iter().map(|id| Target { object: object.id, record: id.0 }.stored());
        let mut sql = Sql::new(self.tx.dialect());
        sql.push(r#"SELECT "id" FROM "#).table(&other.table).push(" WHERE ").name(&field.column);
        sql.one_of(List::Texts(stored.collect()));
        sql.push(r#" ORDER BY "id" LIMIT "#).number(MOST_DEPENDANTS as i64 + 1);
        let (text, binds) = sql.into_parts();
        let rows = self.tx.query_all_raw(self.tx.statement(text, binds)).await?;
        bounded(rows.len())?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows {
            let id = RecordId(row.try_get_by_index(0)?);
            // those that go too need not be emptied
            if other.id != object.id || !ids.contains(&id) {
                changes.push(set(id, field.id, Value::Null));
            }
        }
        self.run_boxed(other, changes).await
    }

    /// Takes the records out of many-to-many fields, as changes of the records that named them.
    async fn detach_many(&mut self, other: &'a Object, field: &Field, ids: &[RecordId]) -> Result<()> {
        let Some((table, own, target)) = field.relation().and_then(links::link_table) else { return Ok(()) };
        let mut gone: BTreeMap<RecordId, Pairs> = BTreeMap::new();
        for (owner, target) in self.pointing(table, own, target, ids).await? {
            gone.entry(owner).or_default().remove.push(target);
        }
        let changes = gone.into_iter().map(|(id, pairs)| set(id, field.id, Value::Pairs(pairs))).collect();
        self.run_boxed(other, changes).await
    }

    /// The pipeline within itself; behind a box, since a future cannot hold itself.
    async fn run_boxed(&mut self, object: &'a Object, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let outcomes = Box::pin(self.run(object.id, changes, Source::Journal)).await?;
        transaction::all(outcomes, false).map(drop)
    }

    /// Records in whose `column` one of `ids` stands, with that one.
    async fn pointing(&self, table: &str, own: &str, column: &str, ids: &[RecordId]) -> Result<Vec<(RecordId, Uuid)>> {
        let mut sql = Sql::new(self.tx.dialect());
        sql.push("SELECT ").name(own).push(", ").name(column).push(" FROM ").table(table).push(" WHERE ").name(column);
        sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
        sql.push(" ORDER BY ").name(own).push(" LIMIT ").number(MOST_DEPENDANTS as i64 + 1);
        let (text, binds) = sql.into_parts();
        let rows = self.tx.query_all_raw(self.tx.statement(text, binds)).await?;
        bounded(rows.len())?;
        rows.into_iter().map(|row| Ok((RecordId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
    }

    async fn remove(&self, table: &str, column: &str, ids: &[RecordId]) -> Result<()> {
        let mut sql = Sql::new(self.tx.dialect());
        sql.push("DELETE FROM ").table(table).push(" WHERE ").name(column);
        sql.one_of(List::Ids(ids.iter().map(|id| id.0).collect()));
        let (text, binds) = sql.into_parts();
        self.tx.execute_raw(self.tx.statement(text, binds)).await?;
        Ok(())
    }
}

fn bounded(dependants: usize) -> Result<()> {
    if dependants <= MOST_DEPENDANTS {
        return Ok(());
    }
    let message = format!("More than {MOST_DEPENDANTS} records point here; move or destroy them first.");
    Err(Error::new(Code::Conflict, message))
}

fn set(id: RecordId, field: FieldId, value: Value) -> Change {
    let draft = Draft { values: vec![(field, value)], before: Vec::new() };
    Change::Update { id, draft, version: None }
}
