//! Conditions under which a field is shown or must have a value: what they may look at, and who looks at what.
//!
//! They are judged on the record in hand, when it is written or while its form is filled in. So they look at fields of
//! the record itself, and of those only at what stands in it by then.

use std::collections::HashSet;

use tenants::{
    Issue,
    error::{Error, FieldIssue, Result},
};

use super::{Catalog, Field, FieldId, FieldKind, Object, Origin};
use crate::{
    columns,
    filter::{Filter, MAX_TERMS, Operator, Test, operators},
};

impl Field {
    /// The conditions on it, by their names in the API.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &Filter)> {
        let (required, visible) = (&self.validation.required_when, &self.validation.visible_when);
        [("requiredWhen", required), ("visibleWhen", visible)]
            .into_iter()
            .filter_map(|(name, filter)| filter.as_ref().map(|filter| (name, filter)))
    }

    /// Whether its values come from the engine itself, not from those who write records.
    pub fn engine_writes(&self) -> bool {
        match &self.kind {
            FieldKind::Id | FieldKind::AutoNumber { .. } | FieldKind::Rollup(_) => true,
            FieldKind::Relation(relation) => relation.cardinality == super::Cardinality::OneToMany,
            _ => self.origin == Origin::System && !self.writable,
        }
    }
}

/// Refuses conditions that cannot be judged on a record in hand.
pub(super) fn check(object: &Object, field: &Field) -> Result<()> {
    let mut issues = Vec::new();
    for (name, filter) in field.conditions() {
        let mut terms = 0;
        if let Err(why) = judged(object, field, filter, &mut terms) {
            issues.push(FieldIssue { field: format!("validation.{name}"), issue: Issue::Rule(why) });
        }
    }
    let written = !field.engine_writes() && columns::stored(&field.kind).is_some();
    if field.validation.required_when.is_some() && !written {
        let why = "only a field that is written with its record can be required".to_owned();
        issues.push(FieldIssue { field: "validation.requiredWhen".to_owned(), issue: Issue::Rule(why) });
    }
    if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues)) }
}

fn judged(object: &Object, field: &Field, filter: &Filter, terms: &mut usize) -> std::result::Result<(), String> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| judged(object, field, part, terms)),
        Filter::Not(part) => judged(object, field, part, terms),
        Filter::Related { .. } | Filter::Counted { .. } => {
            Err(format!("only fields of `{}` itself can be looked at", object.name))
        }
        Filter::Field { field: id, test } => {
            *terms += 1;
            if *terms > MAX_TERMS {
                return Err(format!("it has more than {MAX_TERMS} comparisons"));
            }
            looked_at(object, field, *id, test)
        }
    }
}

fn looked_at(object: &Object, field: &Field, id: FieldId, test: &Test) -> std::result::Result<(), String> {
    let Some(other) = object.fields.iter().find(|other| other.id == id && other.usable()) else {
        return Err(format!("`{}` has no such field", object.name));
    };
    let name = &other.name;
    if id == field.id {
        return Err(format!("`{name}` cannot depend on itself"));
    }
    if other.engine_writes() || columns::stored(&other.kind).is_none() {
        return Err(format!("`{name}` does not stand in the record when it is written"));
    }
    if other.encryption.is_some() {
        return Err(format!("`{name}` is encrypted; conditions cannot look at it"));
    }
    if !operators(other).contains(&Operator::of(test)) {
        return Err(format!("`{name}` is not compared in this way"));
    }
    if other.changing.is_some() {
        return Err(format!("the type of `{name}` is just being changed"));
    }
    Ok(())
}

/// The fields, `object.field`, whose conditions look at one of these and that are not among them.
pub(super) fn looking_at(catalog: &Catalog, fields: &HashSet<FieldId>) -> Vec<String> {
    let mut names = Vec::new();
    for object in &catalog.objects {
        let looks = |field: &&Field| field.conditions().any(|(_, filter)| filter.mentions(fields));
        let looking = object.fields.iter().filter(looks).filter(|field| !fields.contains(&field.id));
        names.extend(looking.map(|field| format!("{}.{}", object.name, field.name)));
    }
    names
}
