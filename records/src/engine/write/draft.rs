//! What a draft must be before it is written: completed by defaults and rules, and accepted by the catalog.

use std::borrow::Cow;

use tenants::error::{Error, FieldIssue, Issue, Result};

use super::transaction::Row;
use crate::{
    Ctx,
    catalog::{Field, FieldId, Object},
    engine::Draft,
    filter::{self, Filter, Scope},
    permission,
    rules::Prepared,
    values::{self, Value},
};

/// On whose behalf something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller: everything is checked.
    Caller,
    /// A rule of ours, following a caller's write: it may set what callers may not, and its links are right.
    Rule,
    /// The history, being undone: values were accepted once, and rules have had their say.
    Journal,
}

/// What drafts of one object are judged by; made once for many rows.
pub(super) struct DraftValidator<'a> {
    ctx: &'a Ctx,
    object: &'a Object,
    source: Source,
    /// Values of new records that bring none.
    defaults: Vec<(FieldId, Value)>,
    /// What new records must have.
    required: Vec<&'a Field>,
    /// What records must have that match a condition.
    conditional: Vec<(&'a Field, &'a Filter)>,
}

impl<'a> DraftValidator<'a> {
    pub fn new(ctx: &'a Ctx, object: &'a Object, source: Source) -> Result<Self> {
        let locale = ctx.locale();
        let mut defaults = Vec::new();
        for field in object.fields.iter().filter(|field| field.usable()) {
            if let Some(json) = &field.default {
                let value = values::from_json(field, json, &locale)
                    .map_err(|issue| Error::internal(format!("the default of {}: {}", field.name, issue.code())))?;
                defaults.push((field.id, value));
            }
        }
        let required = object.fields.iter().filter(|field| field.usable() && field.required && !field.engine_writes());
        let conditional = conditional(object).collect();
        Ok(Self { ctx, object, source, defaults, required: required.collect(), conditional })
    }

    /// Completes the drafts of new records and says what is wrong with each.
    pub fn new_records(&self, rows: &mut [Row]) -> Vec<Vec<FieldIssue>> {
        let mut issues: Vec<_> = rows.iter().map(|row| self.refused(&row.draft)).collect();
        for row in rows.iter_mut() {
            for (field, value) in &self.defaults {
                if row.draft.get(*field).is_none() {
                    row.draft.values.push((*field, value.clone()));
                }
            }
        }
        self.prepare(rows, &mut issues);
        for (row, issues) in rows.iter().zip(&mut issues) {
            for field in &self.required {
                if row.draft.get(field.id).is_none_or(is_empty) && !complained(issues, field) {
                    issues.push(issue(field, Issue::Required));
                }
            }
            self.need(&row.draft, |_, _| true, issues);
            self.validate(&row.draft, issues);
        }
        issues
    }

    /// Completes new values of records that are there; `draft.before` holds what they have.
    pub fn complete(&self, rows: &mut [Row]) -> Vec<Vec<FieldIssue>> {
        let mut issues: Vec<_> = rows.iter().map(|row| self.refused(&row.draft)).collect();
        self.prepare(rows, &mut issues);
        issues
    }

    /// Says what is wrong with new values. What stays as it was is not asked about: it was accepted once.
    pub fn changes(&self, draft: &Draft, issues: &mut Vec<FieldIssue>) {
        for field in &self.required {
            if draft.get(field.id).is_some_and(is_empty) && !complained(issues, field) {
                issues.push(issue(field, Issue::Required));
            }
        }
        let touches = |field: &Field, condition: &Filter| {
            let mut touched = draft.get(field.id).is_some();
            condition.visit(&mut |seen| touched |= draft.get(seen).is_some());
            touched
        };
        self.need(draft, touches, issues);
        self.validate(draft, issues);
    }

    /// Asks for the values that the record needs by the conditions which `touched` picks.
    fn need(&self, draft: &Draft, touched: impl Fn(&Field, &Filter) -> bool, issues: &mut Vec<FieldIssue>) {
        if self.source == Source::Journal {
            return;
        }
        let held = |id| draft.after(id).map_or(Cow::Owned(Value::Null), Cow::Borrowed);
        for (field, condition) in &self.conditional {
            // to one who does not see what the condition looks at, whether it holds would tell
            let asked = || self.unseen(condition) || filter::holds(Scope::of(self.ctx), condition, &held);
            if touched(field, condition) && is_empty(&held(field.id)) && !complained(issues, field) && asked() {
                issues.push(issue(field, Issue::Required));
            }
        }
    }

    /// Whether the condition looks at a field that the caller does not see.
    fn unseen(&self, condition: &Filter) -> bool {
        let mut unseen = false;
        condition.visit(&mut |id| {
            let field = self.ctx.catalog.field(id);
            unseen |= field.is_some_and(|field| !permission::sees(self.ctx, field));
        });
        unseen
    }

    /// Fields that are not there, or not the caller's to write.
    fn refused(&self, draft: &Draft) -> Vec<FieldIssue> {
        let mut issues = Vec::new();
        for (id, _) in &draft.values {
            match self.ctx.catalog.field(*id) {
                Some(field) if field.object == self.object.id && field.usable() => {
                    if self.source == Source::Caller && (!field.writable || field.engine_writes()) {
                        issues.push(issue(field, Issue::ReadOnly));
                    } else if self.source == Source::Caller && !permission::writes(self.ctx, field) {
                        issues.push(issue(field, Issue::Forbidden));
                    }
                }
                Some(field) => issues.push(issue(field, Issue::UnknownField)),
                None => issues.push(FieldIssue { field: id.to_string(), issue: Issue::UnknownField }),
            }
        }
        issues
    }

    fn prepare(&self, rows: &mut [Row], issues: &mut [Vec<FieldIssue>]) {
        if let Some(rules) = self.ctx.rules.of(self.object).filter(|_| self.source != Source::Journal) {
            let drafts = rows.iter_mut().map(|row| &mut row.draft);
            let mut prepared: Vec<_> = drafts.zip(issues).map(|(draft, issues)| Prepared { draft, issues }).collect();
            rules.prepare(self.ctx, self.object, &mut prepared);
        }
    }

    fn validate(&self, draft: &Draft, issues: &mut Vec<FieldIssue>) {
        if self.source == Source::Journal {
            return;
        }
        for (id, value) in &draft.values {
            let Some(field) = self.ctx.catalog.field(*id) else { continue };
            if let Some(wrong) = values::validate(field, value)
                && !complained(issues, field)
            {
                issues.push(issue(field, wrong));
            }
        }
    }
}

/// A complaint about a field of the record itself.
pub(super) fn issue(field: &Field, issue: Issue) -> FieldIssue {
    FieldIssue { field: field.name.clone(), issue }
}

/// Whether nothing would be stored.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(words) => words.is_empty(),
        Value::Ids(ids) => ids.is_empty(),
        Value::Contact(contact) => contact.typed.is_empty(),
        _ => false,
    }
}

/// The fields of an object that records must have if they match.
fn conditional(object: &Object) -> impl Iterator<Item = (&Field, &Filter)> {
    let fields = object.fields.iter().filter(|field| field.usable());
    fields.filter_map(|field| Some((field, field.validation.required_when.as_ref()?)))
}

/// The fields that the conditions of an object are about and look at.
pub(super) fn looked_at(object: &Object) -> Vec<FieldId> {
    let mut fields = Vec::new();
    for (field, condition) in conditional(object) {
        fields.push(field.id);
        condition.visit(&mut |seen| fields.push(seen));
    }
    fields
}

fn complained(issues: &[FieldIssue], field: &Field) -> bool {
    issues.iter().any(|issue| issue.field == field.name)
}
