//! The type of a field to be, with what it needs besides.

use records::{
    Ctx,
    catalog::{
        Cardinality, Field, FieldKind, OnDestroy, RollupFunction,
        spec::{KindSpec, RelationSpec, RollupSpec},
    },
    filter,
};
use serde_json::{Map, Value as Json};
use tenants::{
    Issue,
    error::{Error, FieldIssue, Result},
};

use super::{
    input::{int, labels, options, text},
    tree::type_of,
};

/// The kind that `type` names.
///
/// # Errors
/// `VALIDATION_FAILED` where it lacks what it needs; `BAD_FILTER` for the filter of a rollup.
pub fn kind(ctx: &Ctx, object: &str, fields: &Map<String, Json>) -> Result<KindSpec> {
    let small = |name: &str, default: u8| match int(fields, name) {
        None => Ok(default),
        Some(int) => u8::try_from(int).map_err(|_| wrong(name, Issue::WrongType("a small whole number".into()))),
    };
    let options = || options(fields).ok_or_else(|| wrong("options", Issue::Required));
    Ok(KindSpec::Value(match text(fields, "type").unwrap_or_default() {
        "TEXT" => FieldKind::Text,
        "LONG_TEXT" => FieldKind::LongText,
        "INTEGER" => FieldKind::Integer,
        "DECIMAL" => FieldKind::Decimal { scale: small("scale", 2)? },
        "MONEY" => FieldKind::Money,
        "PERCENT" => FieldKind::Percent,
        "RATING" => FieldKind::Rating { max: small("max", 5)? },
        "BOOLEAN" => FieldKind::Boolean,
        "DATE" => FieldKind::Date,
        "DATE_TIME" => FieldKind::DateTime,
        "DURATION" => FieldKind::Duration,
        "SELECT" => FieldKind::Select { options: options()? },
        "MULTI_SELECT" => FieldKind::MultiSelect { options: options()? },
        "TAGS" => FieldKind::Tags,
        "EMAIL" => FieldKind::Email,
        "PHONE" => FieldKind::Phone,
        "URL" => FieldKind::Url,
        "AUTO_NUMBER" => FieldKind::AutoNumber {
            prefix: text(fields, "prefix").unwrap_or_default().to_owned(),
            width: small("width", 0)?,
        },
        "JSON" => FieldKind::Json,
        "RELATION" => return relation(fields).map(KindSpec::Relation),
        "ROLLUP" => return rollup(ctx, object, fields).map(KindSpec::Rollup),
        other => {
            let message = format!("Fields of type {other} are made by the system alone.");
            return Err(wrong("type", Issue::Rule(message)));
        }
    }))
}

/// The type that a change asks for, none if it asks for none. What it does not say stays as it is.
///
/// # Errors
/// As [`kind`].
pub fn changed(ctx: &Ctx, known: &Field, fields: &Map<String, Json>) -> Result<Option<KindSpec>> {
    if !["type", "scale", "max", "rollup"].iter().any(|name| fields.get(*name).is_some_and(|given| !given.is_null())) {
        return Ok(None);
    }
    let mut fields = fields.clone();
    let mut unsaid = |name: &str, value: Json| {
        if fields.get(name).is_none_or(Json::is_null) {
            fields.insert(name.to_owned(), value);
        }
    };
    unsaid("type", type_of(&known.kind).into());
    match &known.kind {
        FieldKind::Decimal { scale } => unsaid("scale", (*scale).into()),
        FieldKind::Rating { max } => unsaid("max", (*max).into()),
        FieldKind::Select { options } | FieldKind::MultiSelect { options } => {
            unsaid("options", serde_json::to_value(options).unwrap_or_default());
        }
        _ => {}
    }
    let object = ctx.catalog.object_by_id(known.object).map_or("", |object| &object.name);
    kind(ctx, object, &fields).map(Some)
}

fn wrong(field: &str, issue: Issue) -> Error {
    Error::invalid(vec![FieldIssue { field: field.to_owned(), issue }])
}

/// A name of the API as the catalog writes it.
pub(super) fn named<T: serde::de::DeserializeOwned>(json: Option<&Json>) -> Option<T> {
    serde_json::from_value(json?.clone()).ok()
}

fn relation(fields: &Map<String, Json>) -> Result<RelationSpec> {
    let given = fields.get("relation").and_then(Json::as_object);
    let given = given.ok_or_else(|| wrong("relation", Issue::Required))?;
    let to = text(given, "to").unwrap_or_default();
    let mut spec = match named(given.get("kind")).unwrap_or(Cardinality::ManyToOne) {
        Cardinality::ManyToOne => RelationSpec::to_one(to),
        Cardinality::ManyToMany => RelationSpec::to_many(to),
        Cardinality::OneToMany => {
            let message = format!("Make the MANY_TO_ONE on `{to}`, with this side as its inverse.");
            return Err(wrong("relation.kind", Issue::Rule(message)));
        }
    };
    if let Some(inverse) = text(given, "inverse") {
        spec = spec.inverse(inverse, labels(given, "inverseLabel").unwrap_or_default());
    }
    if let Some(on_destroy) = named::<OnDestroy>(given.get("onDestroy")) {
        spec = spec.on_destroy(on_destroy);
    }
    Ok(spec)
}

fn rollup(ctx: &Ctx, object: &str, fields: &Map<String, Json>) -> Result<RollupSpec> {
    let given = fields.get("rollup").and_then(Json::as_object);
    let given = given.ok_or_else(|| wrong("rollup", Issue::Required))?;
    let relation = text(given, "relation").unwrap_or_default();
    let mut spec = RollupSpec::over(relation, named(given.get("function")).unwrap_or(RollupFunction::Count));
    if let Some(field) = text(given, "field") {
        spec = spec.of(field);
    }
    if let Some(filter) = given.get("filter").filter(|filter| !filter.is_null()) {
        let field = ctx.catalog.object(object).and_then(|object| object.field(relation));
        let target = field.and_then(|field| ctx.catalog.object_by_id(field.relation()?.to));
        let target = target.ok_or_else(|| wrong("rollup.relation", Issue::UnknownField))?;
        spec = spec.filter(filter::parse(&ctx.catalog, target, filter, &ctx.locale())?);
    }
    Ok(spec)
}
