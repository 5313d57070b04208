//! The type of a field to be, with what it needs besides.

use records::{
    Ctx,
    catalog::{
        Cardinality, Choice, Field, FieldKind,
        spec::{KindSpec, RelationSpec, RollupSpec},
    },
    filter,
};
use tenants::{
    Issue,
    error::{Error, FieldIssue, Result},
};

use super::{
    inputs::{FieldOptionInput, KindInput, RelationInput, RollupInput, labels},
    tree::type_of,
};

/// The kind that `type` names.
///
/// # Errors
/// `VALIDATION_FAILED` where it lacks what it needs; `BAD_FILTER` for the filter of a rollup.
pub fn kind(ctx: &Ctx, object: &str, input: KindInput) -> Result<KindSpec> {
    if input.link_to.is_some() && input.ty.as_deref() != Some("LINK") {
        return Err(wrong("linkTo", Issue::Rule("only a LINK has it".to_owned())));
    }
    let small = |name: &str, given: Option<i32>, default: u8| match given {
        None => Ok(default),
        Some(int) => u8::try_from(int).map_err(|_| wrong(name, Issue::WrongType("a small whole number".into()))),
    };
    let (scale, max, width) = (input.scale, input.max, input.width);
    let choices = |given: Option<Vec<FieldOptionInput>>| -> Result<Vec<Choice>> {
        let given = given.ok_or_else(|| wrong("options", Issue::Required))?;
        Ok(given.into_iter().map(Choice::from).collect())
    };
    Ok(KindSpec::Value(match input.ty.as_deref().unwrap_or_default() {
        "TEXT" => FieldKind::Text,
        "LONG_TEXT" => FieldKind::LongText,
        "INTEGER" => FieldKind::Integer,
        "DECIMAL" => FieldKind::Decimal { scale: small("scale", scale, 2)? },
        "MONEY" => FieldKind::Money,
        "PERCENT" => FieldKind::Percent,
        "RATING" => FieldKind::Rating { max: small("max", max, 5)? },
        "BOOLEAN" => FieldKind::Boolean,
        "DATE" => FieldKind::Date,
        "DATE_TIME" => FieldKind::DateTime,
        "DURATION" => FieldKind::Duration,
        "SELECT" => FieldKind::Select { options: choices(input.options)? },
        "MULTI_SELECT" => FieldKind::MultiSelect { options: choices(input.options)? },
        "TAGS" => FieldKind::Tags,
        "EMAIL" => FieldKind::Email,
        "PHONE" => FieldKind::Phone,
        "URL" => FieldKind::Url,
        "AUTO_NUMBER" => {
            FieldKind::AutoNumber { prefix: input.prefix.unwrap_or_default(), width: small("width", width, 0)? }
        }
        "JSON" => FieldKind::Json,
        "LINK" => return Ok(KindSpec::Link(input.link_to.unwrap_or_default())),
        "RELATION" => return relation(input.relation).map(KindSpec::Relation),
        "ROLLUP" => return rollup(ctx, object, input.rollup).map(KindSpec::Rollup),
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
pub fn changed(ctx: &Ctx, known: &Field, mut input: KindInput) -> Result<Option<KindSpec>> {
    if input.ty.is_none() && input.scale.is_none() && input.max.is_none() && input.rollup.is_none() {
        return Ok(None);
    }
    input.ty.get_or_insert_with(|| type_of(&known.kind).to_owned());
    match &known.kind {
        FieldKind::Decimal { scale } => drop(input.scale.get_or_insert((*scale).into())),
        FieldKind::Rating { max } => drop(input.max.get_or_insert((*max).into())),
        FieldKind::Select { options } | FieldKind::MultiSelect { options } => {
            input.options.get_or_insert_with(|| options.iter().map(FieldOptionInput::from).collect());
        }
        _ => {}
    }
    let object = ctx.catalog.object_by_id(known.object).map_or("", |object| &object.name);
    kind(ctx, object, input).map(Some)
}

fn wrong(field: &str, issue: Issue) -> Error {
    Error::invalid(vec![FieldIssue { field: field.to_owned(), issue }])
}

fn relation(given: Option<RelationInput>) -> Result<RelationSpec> {
    let given = given.ok_or_else(|| wrong("relation", Issue::Required))?;
    let mut spec = match given.kind {
        Cardinality::ManyToOne => RelationSpec::to_one(&given.to),
        Cardinality::ManyToMany => RelationSpec::to_many(&given.to),
        Cardinality::OneToMany => {
            let message = format!("Make the MANY_TO_ONE on `{}`, with this side as its inverse.", given.to);
            return Err(wrong("relation.kind", Issue::Rule(message)));
        }
    };
    if let Some(inverse) = given.inverse {
        spec = spec.inverse(&inverse, given.inverse_label.map(labels).unwrap_or_default());
    }
    if let Some(on_destroy) = given.on_destroy {
        spec = spec.on_destroy(on_destroy);
    }
    Ok(spec)
}

fn rollup(ctx: &Ctx, object: &str, given: Option<RollupInput>) -> Result<RollupSpec> {
    let given = given.ok_or_else(|| wrong("rollup", Issue::Required))?;
    let mut spec = RollupSpec::over(&given.relation, given.function);
    if let Some(field) = &given.field {
        spec = spec.of(field);
    }
    if let Some(filter) = &given.filter {
        let field = ctx.catalog.object(object).and_then(|object| object.field(&given.relation));
        let target = field.and_then(|field| ctx.catalog.object_by_id(field.relation()?.to));
        let target = target.ok_or_else(|| wrong("rollup.relation", Issue::UnknownField))?;
        spec = spec.filter(filter::parse(&ctx.catalog, target, filter, &ctx.locale())?);
    }
    Ok(spec)
}
