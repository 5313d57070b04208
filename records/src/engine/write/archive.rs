//! Hiding records and showing them again.

use entities::ids::{FieldId, RecordId};
use tenants::{
    Issue, Operation,
    error::{Code, Error, Result},
};

use super::{
    Source, WriteOutcome,
    before::{self, Lock},
    transaction::{Outcomes, Row, WriteTransaction},
    unique::{compared_fields, taken_meanwhile},
};
use crate::{
    catalog::{Field, Object},
    columns::Stored,
    engine::{
        WriteKind,
        columns::Column,
        rows::{self, Touch},
    },
};

impl<'a> WriteTransaction<'a> {
    pub(super) async fn archive(
        &mut self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if !rows.is_empty() {
            self.permit(object, Operation::Delete, source)?;
        }
        let mut rows = self.in_state(object, rows, (Operation::Delete, source), out).await?;
        self.check(object, WriteKind::Archived, &mut rows, source, out).await?;
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        self.count_out(object, &ids).await?;
        self.mark(object, rows, Some(self.now), out).await
    }

    pub(super) async fn restore(
        &mut self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if !rows.is_empty() {
            self.permit(object, Operation::Restore, source)?;
        }
        let mut rows = self.in_state(object, rows, (Operation::Restore, source), out).await?;
        let mut refused = Outcomes::new();
        self.refuse_taken(object, &mut rows, &mut refused).await?;
        out.extend(refused.into_iter().map(|(index, outcome)| (index, outcome.map_err(|error| clash(object, &error)))));
        self.check(object, WriteKind::Restored, &mut rows, source, out).await?;
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        self.mark(object, rows, None, out).await?;
        self.count_in(object, &ids).await
    }

    /// Locks the records and keeps those that can be restored, or archived; the others are answered as unchanged. The
    /// drafts hold the values that must be unique.
    async fn in_state(
        &self,
        object: &'a Object,
        rows: Vec<Row>,
        (operation, source): (Operation, Source),
        out: &mut Outcomes,
    ) -> Result<Vec<Row>> {
        let archived = operation == Operation::Restore;
        let required = self.ctx.rules.required_fields(&self.ctx.catalog, object);
        let unique: Vec<FieldId> = compared_fields(object).filter(|_| archived).collect();
        let wanted = |field: &&Field| required.contains(&field.id) || unique.contains(&field.id);
        let fields: Vec<&Field> = object.fields.iter().filter(wanted).collect();
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        let mut stored = before::lock(self, object, &ids, &fields, Lock::Change).await?;
        let there: Vec<RecordId> = stored.keys().copied().collect();
        let mut refusals = self.refusals(object, &there, operation, source).await?;
        let mut kept = Vec::with_capacity(rows.len());
        for mut row in rows {
            if let Some(refusal) = refusals.remove(&row.id) {
                out.push((row.index, Err(refusal)));
                continue;
            }
            match stored.remove(&row.id) {
                Some(stored) if stored.archived == archived => {
                    row.draft.values = stored.values.iter().filter(|(id, _)| unique.contains(id)).cloned().collect();
                    row.draft.before = stored.values;
                    kept.push(row);
                }
                Some(_) => out.push((row.index, Ok(done(object, row.id, WriteKind::Unchanged)))),
                None => out.push((row.index, Err(Error::of(Code::NotFound)))),
            }
        }
        Ok(kept)
    }

    async fn mark(&mut self, object: &Object, rows: Vec<Row>, at: Option<i64>, out: &mut Outcomes) -> Result<()> {
        let columns = [Column::new("id", Stored::Id), Column::new("archived_at", Stored::Int)];
        let values = rows.iter().flat_map(|row| [row.id.0.into(), sea_orm::Value::BigInt(at)]).collect();
        let touch = Touch { at: self.now, by: &self.actor };
        rows::update(&self.tx, &object.table, &columns, values, Some(touch)).await.map_err(taken_meanwhile)?;
        let kind = if at.is_some() { WriteKind::Archived } else { WriteKind::Restored };
        for row in rows {
            self.journal(object.id, row.id, kind, None);
            out.push((row.index, Ok(done(object, row.id, kind))));
        }
        Ok(())
    }
}

pub(super) fn done(object: &Object, id: RecordId, kind: WriteKind) -> WriteOutcome {
    WriteOutcome { object: object.id, id, kind, values: Vec::new() }
}

/// Another record took a value while this one was archived.
fn clash(object: &Object, error: &Error) -> Error {
    let issues = error.fields();
    let Some(first) = issues.first() else { return Error::of(Code::Conflict) };
    let holder = match &first.issue {
        Issue::Taken(Some(id)) => id.clone(),
        _ => String::new(),
    };
    // values that are unique together are told together
    let names: Vec<&str> =
        issues.iter().filter(|issue| issue.issue == first.issue).map(|issue| issue.field.as_str()).collect();
    let (names, belongs) = (names.join(" and "), if names.len() > 1 { "belong" } else { "belongs" });
    let message =
        format!("The {names} of this {} now {belongs} to another one ({holder}); change that one first.", object.name);
    Error::new(Code::Conflict, message).with("field", first.field.clone()).with("id", holder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Origin;

    #[test]
    fn a_clash_names_the_record() {
        let object = Object::new(entities::ids::ObjectId::new(), "vehicle", "vehicles", "o1", Origin::Custom);
        let issue = tenants::FieldIssue { field: "plate".into(), issue: Issue::Taken(Some("0190".into())) };
        let error = clash(&object, &Error::invalid(vec![issue]));
        assert_eq!(error.code(), Code::Conflict);
        assert_eq!(error.details()["id"], "0190");
        assert_eq!(error.details()["field"], "plate");
    }
}
