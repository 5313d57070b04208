//! The catalog as the API shows it.

use records::{
    Ctx,
    catalog::{Catalog, Constraint, Field, FieldKind, Labels, Object, Relation, Rollup, Section, Validation},
    filter, permission,
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tenants::{Operation, RowScope};

use crate::graphql::operations::access::scopes;

/// An object with its sections and fields, and what the caller may do with its records.
pub fn object(ctx: &Ctx, object: &Object) -> Json {
    json!({
        "id": object.id.to_string(),
        "name": object.name,
        "plural": object.plural,
        "label": label(&object.label),
        "pluralLabel": label(&object.plural_label),
        "origin": constant(&object.origin),
        "writable": object.writable,
        "sections": object.sections.iter().map(section).collect::<Json>(),
        "fields": object.fields.iter().map(|field| self::field(ctx, field)).collect::<Json>(),
        "constraints": object.constraints.iter().map(|it| constraint(ctx, object, it)).collect::<Json>(),
        "access": scopes(|operation| ctx.caller.access.scope(object.id, operation)),
    })
}

/// Fields that are unique together. Why it failed names values, so it is only told to those who see them all.
pub fn constraint(ctx: &Ctx, object: &Object, constraint: &Constraint) -> Json {
    let fields = || constraint.fields.iter().filter_map(|id| ctx.catalog.field(*id));
    let all = ctx.caller.access.scope(object.id, Operation::Read) == RowScope::All;
    let sees = all && fields().all(|field| permission::see(ctx, field).is_ok());
    json!({
        "id": constraint.id.to_string(),
        "object": object.name,
        "fields": fields().map(|field| field.name.as_str()).collect::<Json>(),
        "state": constant(&constraint.state),
        "failure": constraint.failure.as_ref().filter(|_| sees),
    })
}

/// A section.
pub fn section(section: &Section) -> Json {
    json!({
        "id": section.id.to_string(),
        "name": section.name,
        "label": label(&section.label),
        "position": section.position,
    })
}

/// A field, and what the caller may do with its values.
pub fn field(ctx: &Ctx, field: &Field) -> Json {
    let catalog = &ctx.catalog;
    let object = catalog.object_by_id(field.object);
    let section = object.and_then(|object| object.sections.iter().find(|section| Some(section.id) == field.section));
    let mut tree = json!({
        "id": field.id.to_string(),
        "object": object.map(|object| &object.name),
        "name": field.name,
        "type": type_of(&field.kind),
        "label": label(&field.label),
        "help": label(&field.help),
        "section": section.map(|section| &section.name),
        "position": field.position,
        "origin": constant(&field.origin),
        "required": field.required,
        "unique": field.unique,
        "default": field.default,
        "validation": validation(catalog, &field.validation),
        "searchable": field.searchable,
        "audited": field.audited,
        "personal": field.personal.as_ref().map(constant),
        "encryption": constant(&field.encryption),
        "state": constant(&field.state),
        "failure": field.failure,
        "writable": field.writable,
        "access": permission::effective_access(ctx, field).name(),
        "changingTo": field.changing.as_deref().map(type_of),
    });
    for (key, value) in details(catalog, &field.kind) {
        tree[key] = value;
    }
    tree
}

/// The rules of values; conditions under the names that fields have now.
fn validation(catalog: &Catalog, rules: &Validation) -> Json {
    json!({
        "min": rules.min,
        "max": rules.max,
        "pattern": rules.pattern,
        "requiredForNewOnly": rules.required_for_new_only,
        "requiredWhen": rules.required_when.as_ref().map(|filter| filter::show(catalog, filter)),
        "visibleWhen": rules.visible_when.as_ref().map(|filter| filter::show(catalog, filter)),
    })
}

/// What a kind says besides its name.
fn details(catalog: &Catalog, kind: &FieldKind) -> Vec<(&'static str, Json)> {
    match kind {
        FieldKind::Decimal { scale } => vec![("scale", (*scale).into())],
        FieldKind::Rating { max } => vec![("max", (*max).into())],
        FieldKind::Select { options } | FieldKind::MultiSelect { options } => {
            let option = |option: &records::catalog::Choice| json!({ "value": option.value, "label": label(&option.label), "retired": option.retired });
            vec![("options", options.iter().map(option).collect())]
        }
        FieldKind::AutoNumber { prefix, width } => {
            vec![("prefix", prefix.as_str().into()), ("width", (*width).into())]
        }
        FieldKind::Link { to } => {
            let names = to.iter().filter_map(|id| Some(catalog.object_by_id(*id)?.name.as_str()));
            vec![("linkTo", names.collect())]
        }
        FieldKind::Relation(relation) => vec![("relation", self::relation(catalog, relation))],
        FieldKind::Rollup(rollup) => vec![("rollup", self::rollup(catalog, rollup))],
        _ => Vec::new(),
    }
}

fn relation(catalog: &Catalog, relation: &Relation) -> Json {
    json!({
        "to": catalog.object_by_id(relation.to).map(|object| &object.name),
        "kind": relation.cardinality,
        "inverse": relation.inverse.and_then(|id| catalog.field(id)).map(|field| &field.name),
        "onDestroy": relation.on_destroy,
    })
}

fn rollup(catalog: &Catalog, rollup: &Rollup) -> Json {
    json!({
        "relation": catalog.field(rollup.relation).map(|field| &field.name),
        "function": rollup.function,
        "field": rollup.field.and_then(|id| catalog.field(id)).map(|field| &field.name),
        "filter": rollup.filter.as_ref().map(|filter| filter::show(catalog, filter)),
    })
}

fn label(labels: &Labels) -> Json {
    labels
        .iter()
        .map(|(code, text)| (code.clone(), Json::from(text.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A name as enums of the API are written.
fn constant(name: &impl Serialize) -> Json {
    match serde_json::to_value(name) {
        Ok(Json::String(name)) => Json::from(name.to_ascii_uppercase()),
        _ => Json::Null,
    }
}

/// The name of a kind in the API.
pub(super) fn type_of(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Id => "ID",
        FieldKind::Actor => "ACTOR",
        FieldKind::Text => "TEXT",
        FieldKind::LongText => "LONG_TEXT",
        FieldKind::Integer => "INTEGER",
        FieldKind::Decimal { .. } => "DECIMAL",
        FieldKind::Money => "MONEY",
        FieldKind::Percent => "PERCENT",
        FieldKind::Rating { .. } => "RATING",
        FieldKind::Boolean => "BOOLEAN",
        FieldKind::Date => "DATE",
        FieldKind::DateTime => "DATE_TIME",
        FieldKind::Duration => "DURATION",
        FieldKind::Select { .. } => "SELECT",
        FieldKind::MultiSelect { .. } => "MULTI_SELECT",
        FieldKind::Tags => "TAGS",
        FieldKind::Email => "EMAIL",
        FieldKind::Phone => "PHONE",
        FieldKind::Url => "URL",
        FieldKind::AutoNumber { .. } => "AUTO_NUMBER",
        FieldKind::Json => "JSON",
        FieldKind::Link { .. } => "LINK",
        FieldKind::Relation(_) => "RELATION",
        FieldKind::Rollup(_) => "ROLLUP",
    }
}
