//! The inputs of the catalog's operations as its services take them.

use records::{
    Ctx,
    catalog::{
        Choice, Field, FieldPatch, Labels, ObjectPatch, Personal, SectionPatch, Validation,
        spec::{FieldSpec, ObjectSpec, SectionSpec},
    },
    filter::{self, Filter},
};
use serde_json::{Map, Value as Json};
use tenants::error::Result;

use super::kinds;

/// The `input` argument.
pub fn fields(args: &Map<String, Json>) -> &Map<String, Json> {
    static EMPTY: std::sync::LazyLock<Map<String, Json>> = std::sync::LazyLock::new(Map::new);
    args.get("input").and_then(Json::as_object).unwrap_or(&EMPTY)
}

/// A text that was given.
pub fn text<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Json::as_str)
}

fn owned(fields: &Map<String, Json>, name: &str) -> Option<String> {
    text(fields, name).map(str::to_owned)
}

fn flag(fields: &Map<String, Json>, name: &str) -> Option<bool> {
    fields.get(name).and_then(Json::as_bool)
}

/// A whole number that was given; GraphQL's are of 32 bits.
pub fn int(fields: &Map<String, Json>, name: &str) -> Option<i32> {
    fields.get(name).and_then(Json::as_i64).and_then(|int| i32::try_from(int).ok())
}

/// Titles that were given.
pub fn labels(fields: &Map<String, Json>, name: &str) -> Option<Labels> {
    let given = fields.get(name)?.as_object()?;
    Some(given.iter().filter_map(|(code, text)| Some((code.clone(), text.as_str()?.to_owned()))).collect())
}

/// A value that may be emptied: absent, given as null, or given.
fn emptied<T>(fields: &Map<String, Json>, name: &str, read: impl Fn(&Json) -> Option<T>) -> Option<Option<T>> {
    fields.get(name).map(|value| if value.is_null() { None } else { read(value) })
}

fn personal(json: &Json) -> Option<Personal> {
    match json.as_str()? {
        "SENSITIVE" => Some(Personal::Sensitive),
        _ => Some(Personal::Ordinary),
    }
}

fn validation(ctx: &Ctx, object: &str, known: &Validation, fields: &Map<String, Json>) -> Result<Option<Validation>> {
    let applies = text(fields, "appliesTo");
    let given = fields.get("validation").filter(|given| !given.is_null());
    if applies.is_none() && given.is_none() {
        return Ok(None);
    }
    let mut validation = match given {
        // Limits are given as numbers or as texts.
        Some(given) => {
            let limit = |name: &str| match given.get(name)? {
                Json::Null => None,
                Json::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            Validation {
                min: limit("min"),
                max: limit("max"),
                pattern: limit("pattern"),
                required_when: condition(ctx, object, given.get("requiredWhen"))?,
                visible_when: condition(ctx, object, given.get("visibleWhen"))?,
                ..known.clone()
            }
        }
        None => known.clone(),
    };
    if let Some(applies) = applies {
        validation.required_for_new_only = applies == "NEW";
    }
    Ok(Some(validation))
}

/// A condition on records of the object, as its queries take it.
fn condition(ctx: &Ctx, object: &str, given: Option<&Json>) -> Result<Option<Filter>> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(None) };
    let Some(object) = ctx.catalog.object(object) else { return Ok(None) };
    let filter = filter::parse(&ctx.catalog, object, given, &ctx.locale())?;
    Ok((!filter.is_empty()).then_some(filter))
}

/// Options that were given.
pub fn options(fields: &Map<String, Json>) -> Option<Vec<Choice>> {
    let given = fields.get("options")?.as_array()?;
    let choice = |option: &Json| {
        let option = option.as_object()?;
        Some(Choice {
            value: owned(option, "value")?,
            label: labels(option, "label").unwrap_or_default(),
            retired: flag(option, "retired").unwrap_or(false),
        })
    };
    Some(given.iter().filter_map(choice).collect())
}

/// `CreateObjectInput`.
pub fn new_object(fields: &Map<String, Json>) -> ObjectSpec {
    let mut spec =
        ObjectSpec::new(text(fields, "name").unwrap_or_default(), text(fields, "plural").unwrap_or_default());
    spec.label = labels(fields, "label").unwrap_or_default();
    spec.plural_label = labels(fields, "pluralLabel").unwrap_or_default();
    spec.owned = flag(fields, "owned").unwrap_or(false);
    spec
}

/// `UpdateObjectInput`.
pub fn object_patch(fields: &Map<String, Json>) -> ObjectPatch {
    ObjectPatch {
        name: owned(fields, "name"),
        plural: owned(fields, "plural"),
        label: labels(fields, "label"),
        plural_label: labels(fields, "pluralLabel"),
    }
}

/// `CreateFieldInput`.
///
/// # Errors
/// `VALIDATION_FAILED` where the type lacks what it needs; `BAD_FILTER`.
pub fn new_field(ctx: &Ctx, object: &str, fields: &Map<String, Json>) -> Result<FieldSpec> {
    let kind = kinds::kind(ctx, object, fields)?;
    let mut spec = FieldSpec::new(text(fields, "name").unwrap_or_default(), kind);
    spec.label = labels(fields, "label").unwrap_or_default();
    spec.help = labels(fields, "help").unwrap_or_default();
    spec.section = owned(fields, "section");
    spec.position = int(fields, "position");
    spec.required = flag(fields, "required").unwrap_or(false);
    spec.unique = flag(fields, "unique").unwrap_or(false);
    spec.default = fields.get("default").filter(|default| !default.is_null()).cloned();
    spec.validation = validation(ctx, object, &Validation::default(), fields)?.unwrap_or_default();
    spec.searchable = flag(fields, "searchable").unwrap_or(false);
    spec.audited = flag(fields, "audited").unwrap_or(true);
    spec.personal = fields.get("personal").and_then(personal);
    spec.encryption = kinds::named(fields.get("encryption")).unwrap_or_default();
    Ok(spec)
}

/// `UpdateFieldInput`.
///
/// # Errors
/// `VALIDATION_FAILED` where a new type lacks what it needs; `BAD_FILTER`.
pub fn field_patch(ctx: &Ctx, known: &Field, fields: &Map<String, Json>) -> Result<FieldPatch> {
    let object = ctx.catalog.object_by_id(known.object).map_or("", |object| &object.name);
    Ok(FieldPatch {
        name: owned(fields, "name"),
        label: labels(fields, "label"),
        help: labels(fields, "help"),
        section: emptied(fields, "section", |json| json.as_str().map(str::to_owned)),
        position: int(fields, "position"),
        required: flag(fields, "required"),
        unique: flag(fields, "unique"),
        default: emptied(fields, "default", |json| Some(json.clone())),
        validation: validation(ctx, object, &known.validation, fields)?,
        options: options(fields),
        searchable: flag(fields, "searchable"),
        audited: flag(fields, "audited"),
        personal: emptied(fields, "personal", personal),
        kind: kinds::changed(ctx, known, fields)?,
        drop_unconvertible: flag(fields, "dropUnconvertible").unwrap_or(false),
        on_destroy: kinds::named(fields.get("onDestroy")),
    })
}

/// `CreateSectionInput`.
pub fn new_section(fields: &Map<String, Json>) -> SectionSpec {
    SectionSpec {
        name: owned(fields, "name").unwrap_or_default(),
        label: labels(fields, "label").unwrap_or_default(),
        position: int(fields, "position"),
    }
}

/// `UpdateSectionInput`.
pub fn section_patch(fields: &Map<String, Json>) -> SectionPatch {
    SectionPatch { name: owned(fields, "name"), label: labels(fields, "label"), position: int(fields, "position") }
}
