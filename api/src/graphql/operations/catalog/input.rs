//! The inputs of the catalog's operations as its services take them.

use records::{
    Ctx,
    catalog::{
        Choice, Field, FieldPatch, ObjectPatch, SectionPatch, Validation,
        spec::{FieldSpec, ObjectSpec, SectionSpec},
    },
    filter::{self, Filter},
};
use serde_json::Value as Json;
use tenants::error::Result;

use super::{
    inputs::{
        AppliesTo, CreateFieldInput, CreateObjectInput, CreateSectionInput, UpdateFieldInput, UpdateObjectInput,
        UpdateSectionInput, ValidationInput, labels,
    },
    kinds,
};

/// A new object.
pub fn new_object(input: CreateObjectInput) -> ObjectSpec {
    let mut spec = ObjectSpec::new(&input.name, &input.plural);
    spec.label = input.label.map(labels).unwrap_or_default();
    spec.plural_label = input.plural_label.map(labels).unwrap_or_default();
    spec.owned = input.owned.unwrap_or_default();
    spec
}

/// What an object is to become.
pub fn object_patch(input: UpdateObjectInput) -> ObjectPatch {
    ObjectPatch {
        name: input.name,
        plural: input.plural,
        label: input.label.map(labels),
        plural_label: input.plural_label.map(labels),
    }
}

/// A new field.
///
/// # Errors
/// `VALIDATION_FAILED` where the type lacks what it needs; `BAD_FILTER`.
pub fn new_field(ctx: &Ctx, input: CreateFieldInput) -> Result<FieldSpec> {
    let rules = validation(ctx, &input.object, &Validation::default(), input.applies_to, input.validation)?;
    let mut spec = FieldSpec::new(&input.name, kinds::kind(ctx, &input.object, input.kind)?);
    spec.label = input.label.map(labels).unwrap_or_default();
    spec.help = input.help.map(labels).unwrap_or_default();
    spec.section = input.section;
    spec.position = input.position;
    spec.required = input.required.unwrap_or_default();
    spec.unique = input.unique.unwrap_or_default();
    spec.default = input.default;
    spec.validation = rules.unwrap_or_default();
    spec.searchable = input.searchable.unwrap_or_default();
    spec.audited = input.audited.unwrap_or(true);
    spec.personal = input.personal.map(Into::into);
    spec.encryption = input.encryption.unwrap_or_default();
    Ok(spec)
}

/// What a field is to become.
///
/// # Errors
/// `VALIDATION_FAILED` where a new type lacks what it needs; `BAD_FILTER`.
pub fn field_patch(ctx: &Ctx, known: &Field, input: UpdateFieldInput) -> Result<FieldPatch> {
    let object = ctx.catalog.object_by_id(known.object).map_or("", |object| &object.name);
    let options = input.kind.options.clone();
    Ok(FieldPatch {
        name: input.name,
        label: input.label.map(labels),
        help: input.help.map(labels),
        section: input.section,
        position: input.position,
        required: input.required,
        unique: input.unique,
        default: input.default,
        validation: validation(ctx, object, &known.validation, input.applies_to, input.validation)?,
        options: options.map(|options| options.into_iter().map(Choice::from).collect()),
        searchable: input.searchable,
        audited: input.audited,
        personal: input.personal.map(|class| class.map(Into::into)),
        kind: kinds::changed(ctx, known, input.kind)?,
        drop_unconvertible: input.drop_unconvertible.unwrap_or_default(),
        on_destroy: input.on_destroy,
    })
}

/// A new section.
pub fn new_section(input: CreateSectionInput) -> SectionSpec {
    SectionSpec { name: input.name, label: input.label.map(labels).unwrap_or_default(), position: input.position }
}

/// What a section is to become.
pub fn section_patch(input: UpdateSectionInput) -> SectionPatch {
    SectionPatch { name: input.name, label: input.label.map(labels), position: input.position }
}

fn validation(
    ctx: &Ctx,
    object: &str,
    known: &Validation,
    applies: Option<AppliesTo>,
    given: Option<ValidationInput>,
) -> Result<Option<Validation>> {
    if applies.is_none() && given.is_none() {
        return Ok(None);
    }
    let mut validation = match given {
        Some(given) => Validation {
            min: given.min.map(limit),
            max: given.max.map(limit),
            pattern: given.pattern,
            required_when: condition(ctx, object, given.required_when)?,
            visible_when: condition(ctx, object, given.visible_when)?,
            ..known.clone()
        },
        None => known.clone(),
    };
    if let Some(applies) = applies {
        validation.required_for_new_only = applies == AppliesTo::New;
    }
    Ok(Some(validation))
}

/// Limits are given as numbers or as texts.
fn limit(given: Json) -> String {
    match given {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// A condition on records of the object, as its queries take it.
fn condition(ctx: &Ctx, object: &str, given: Option<Json>) -> Result<Option<Filter>> {
    let (Some(given), Some(object)) = (given, ctx.catalog.object(object)) else { return Ok(None) };
    let filter = filter::parse(&ctx.catalog, object, &given, &ctx.locale())?;
    Ok((!filter.is_empty()).then_some(filter))
}
