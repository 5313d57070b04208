//! New values of records that are there. What changes nothing writes nothing.

use std::collections::HashMap;

use entities::ids::{FieldId, RecordId};
use tenants::{
    Operation,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use super::{
    Source, WriteOutcome,
    before::{self, Before, Lock},
    create::refuse,
    draft::{self, DraftValidator},
    transaction::{Outcomes, Row, WriteTransaction},
    unique::taken_meanwhile,
};
use crate::{
    catalog::{Field, Object},
    columns::{Stored, stored_of},
    engine::{
        WriteKind,
        columns::{self, Column},
        rows::{self, Touch},
    },
    permission::NewRecords,
    sealing,
    values::Value,
};

/// A record's changed fields: from what, to what.
struct Changed {
    row: Row,
    fields: Vec<FieldDiff>,
}

impl<'a> WriteTransaction<'a> {
    pub(super) async fn update(
        &mut self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.permit(object, Operation::Update, source)?;
        let mut rows = self.with_stored(object, rows, source, out).await?;
        let validator = DraftValidator::new(self.ctx, object, source)?;
        let complaints = validator.complete(&mut rows);
        let mut good = Vec::with_capacity(rows.len());
        for (row, mut issues) in rows.into_iter().zip(complaints) {
            if issues.is_empty() {
                good.push(row);
            } else {
                validator.changes(&row.draft, &mut issues);
                out.push((row.index, Err(Error::invalid(issues))));
            }
        }
        self.read_more(object, &mut good).await?;
        self.pair_up(object, &mut good, source).await?;
        let (mut rows, mut fields) = differing(object, good, out);
        rows.retain(|row| {
            let mut issues = Vec::new();
            validator.changes(&row.draft, &mut issues);
            let kept = issues.is_empty();
            if !kept {
                out.push((row.index, Err(Error::invalid(issues))));
            }
            kept
        });
        if source == Source::Caller {
            let drafts: Vec<_> = rows.iter().map(|row| &row.draft).collect();
            let rights = NewRecords::of(self.ctx, object, Operation::Update)?;
            let out_of_scope = rights.out_of_scope(&self.tx, &drafts).await?;
            refuse(&mut rows, out_of_scope, out);
        }
        // only what changes is asked about: a dead link that stays as it was is nobody's fault
        self.refuse_dead_links(object, &mut rows, source, out).await?;
        self.refuse_taken(object, &mut rows, out).await?;
        self.check(object, WriteKind::Updated, &mut rows, source, out).await?;
        let changed = rows.into_iter().map(|row| Changed { fields: fields.remove(&row.id).unwrap_or_default(), row });
        let changed = changed.collect();
        self.write_changes(object, changed, out).await
    }

    /// Locks the records, checks their versions and hands the drafts what is stored.
    async fn with_stored(
        &self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<Vec<Row>> {
        let mut wanted: Vec<FieldId> = self.ctx.rules.required_fields(&self.ctx.catalog, object);
        wanted.extend(draft::looked_at(object));
        wanted.extend(object.combined().flatten().map(|field| field.id));
        wanted.extend(rows.iter().flat_map(|row| row.draft.values.iter().map(|(id, _)| *id)));
        let fields = fields_of(object, &wanted);
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        let mut stored = before::lock(self, object, &ids, &fields, Lock::Change).await?;
        let there: Vec<RecordId> = stored.keys().copied().collect();
        let mut refusals = self.refusals(object, &there, Operation::Update, source).await?;
        let mut found = Vec::with_capacity(rows.len());
        for mut row in rows {
            let stored = stored.remove(&row.id).ok_or_else(|| Error::of(Code::NotFound));
            let refusal = refusals.remove(&row.id).map_or(Ok(()), Err);
            match refusal.and(stored).and_then(|stored| check(stored, &row, source)) {
                Ok(stored) => {
                    row.draft.before = stored.values;
                    found.push(row);
                }
                Err(error) => out.push((row.index, Err(error))),
            }
        }
        Ok(found)
    }

    /// Reads stored values of fields that a rule has set without having asked for them.
    async fn read_more(&self, object: &'a Object, rows: &mut [Row]) -> Result<()> {
        let unknown = |row: &Row, id: FieldId| !row.draft.before.iter().any(|(known, _)| *known == id);
        let mut missing: Vec<FieldId> = rows
            .iter()
            .flat_map(|row| row.draft.values.iter().map(|(id, _)| *id).filter(|id| unknown(row, *id)))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing.retain(|id| self.ctx.catalog.field(*id).is_some_and(|field| stored_of(field).is_some()));
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        let mut more = before::lock(self, object, &ids, &fields_of(object, &missing), Lock::Change).await?;
        for row in rows {
            row.draft.before.extend(more.remove(&row.id).map(|stored| stored.values).unwrap_or_default());
        }
        Ok(())
    }

    async fn write_changes(&mut self, object: &'a Object, changed: Vec<Changed>, out: &mut Outcomes) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordId> = changed.iter().map(|one| one.row.id).collect();
        let touched: Vec<FieldId> = changed.iter().flat_map(|one| one.fields.iter().map(|(id, ..)| *id)).collect();
        let counted = self.counts(object, &touched);
        if counted {
            self.count_out(object, &ids).await?;
        }
        for group in by_fields(&changed) {
            self.update_rows(object, &group).await?;
        }
        self.relink(object, changed.iter().map(|one| &one.row)).await?;
        if counted {
            self.count_in(object, &ids).await?;
        }
        for one in changed {
            self.journal(object.id, one.row.id, WriteKind::Updated, Some(diff(object, one.row.id, &one.fields)?));
            let is_changed = |id: &FieldId| one.fields.iter().any(|(changed, ..)| changed == id);
            let values = one.row.draft.values.into_iter().filter(|(id, _)| is_changed(id)).collect();
            let written = WriteOutcome { object: object.id, id: one.row.id, kind: WriteKind::Updated, values };
            out.push((one.row.index, Ok(written)));
        }
        Ok(())
    }

    /// Updates rows that change in the same fields.
    async fn update_rows(&self, object: &Object, group: &[&Changed]) -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let ids: Vec<FieldId> = first.fields.iter().map(|(id, ..)| *id).collect();
        let fields = fields_of(object, &ids);
        let mut columns = vec![Column::new("id", Stored::Id)];
        columns.extend(fields.iter().flat_map(|field| columns::of(field)));
        let mut values = Vec::with_capacity(group.len() * columns.len());
        for one in group {
            values.push(one.row.id.0.into());
            for field in &fields {
                let value = one.row.draft.get(field.id).unwrap_or(&Value::Null);
                columns::bind(self.tx.dialect(), field, one.row.id, value, &mut values)?;
            }
        }
        let touch = Touch { at: self.now, by: &self.actor };
        rows::update(&self.tx, &object.table, &columns, values, Some(touch)).await.map_err(taken_meanwhile)
    }
}

/// Whether the record may be changed as asked.
fn check(stored: Before, row: &Row, source: Source) -> Result<Before> {
    if let Some(version) = row.version.filter(|version| *version != stored.version) {
        let now = stored.version;
        let message = format!("The record is at version {now}, not {version}; read it again.");
        return Err(Error::new(Code::Conflict, message).with("version", now));
    }
    if stored.archived && source == Source::Caller {
        return Err(Error::new(Code::Conflict, "The record is archived; restore it first.").with("archived", true));
    }
    Ok(stored)
}

/// A field from what to what.
type FieldDiff = (FieldId, Value, Value);

/// Keeps of each draft what differs from what is stored; rows without difference are answered as unchanged.
fn differing(object: &Object, rows: Vec<Row>, out: &mut Outcomes) -> (Vec<Row>, HashMap<RecordId, Vec<FieldDiff>>) {
    let mut changed = Vec::with_capacity(rows.len());
    let mut steps = HashMap::with_capacity(rows.len());
    for mut row in rows {
        let mut fields = Vec::new();
        let before = std::mem::take(&mut row.draft.before);
        row.draft.values.retain(|(id, value)| {
            let (old, new) = match value {
                Value::Pairs(pairs) => (some(&pairs.remove), some(&pairs.add)),
                value => {
                    let old = before.iter().find(|(known, _)| known == id);
                    (old.map_or(Value::Null, |(_, value)| value.clone()), columns::at_rest(value))
                }
            };
            let differs = old != new;
            if differs {
                fields.push((*id, old, new));
            }
            differs
        });
        row.draft.before = before;
        if fields.is_empty() {
            let written =
                WriteOutcome { object: object.id, id: row.id, kind: WriteKind::Unchanged, values: Vec::new() };
            out.push((row.index, Ok(written)));
        } else {
            fields.sort_unstable_by_key(|(id, ..)| *id);
            steps.insert(row.id, fields);
            changed.push(row);
        }
    }
    (changed, steps)
}

/// Rows by which fields they change, in the order of their ids.
fn by_fields(changed: &[Changed]) -> Vec<Vec<&Changed>> {
    let mut groups: HashMap<Vec<FieldId>, Vec<&Changed>> = HashMap::new();
    for one in changed {
        groups.entry(one.fields.iter().map(|(id, ..)| *id).collect()).or_default().push(one);
    }
    groups.into_values().collect()
}

/// What the journal keeps: both values of each field, also of those that history does not show; of encrypted ones, both
/// sealed.
fn diff(object: &Object, record: RecordId, fields: &[FieldDiff]) -> Result<String> {
    let mut diff = serde_json::Map::new();
    for (id, old, new) in fields {
        let Some(field) = object.fields.iter().find(|field| field.id == *id) else { continue };
        let kept = match field.encryption.is_some() {
            true => sealing::seal_change(field, record, &(old, new))?.into(),
            false => serde_json::to_value((old, new)).map_err(Error::internal)?,
        };
        diff.insert(id.to_string(), kept);
    }
    Ok(serde_json::Value::Object(diff).to_string())
}

fn fields_of<'a>(object: &'a Object, ids: &[FieldId]) -> Vec<&'a Field> {
    object.fields.iter().filter(|field| ids.contains(&field.id)).collect()
}

/// Of a link between many, what it gained or lost; nothing where it is nothing.
fn some(ids: &[Uuid]) -> Value {
    if ids.is_empty() { Value::Null } else { Value::Ids(ids.to_vec()) }
}
