//! Changes of existing objects, fields and sections: a missing value changes nothing, `Some(None)` clears.

use entities::ids::{FieldId, ObjectId};
use tenants::{
    Code, Error, Issue,
    error::{FieldIssue, Result},
};

use super::{
    Cardinality, Choice, Field, FieldKind, FieldState, Labels, Object, OnDestroy, Origin, Personal, Section, SectionId,
    Validation, build, checks, conditions, conversion, create, ddl, edit::Edit, jobs::Build, names, rollups,
    spec::KindSpec, store,
};
use crate::values::Locale;

/// A change of an object.
#[derive(Clone, Debug, Default)]
pub struct ObjectPatch {
    /// API name in the singular; only for custom objects.
    pub name: Option<String>,
    /// API name in the plural; only for custom objects.
    pub plural: Option<String>,
    /// Label by language.
    pub label: Option<Labels>,
    /// Plural label by language.
    pub plural_label: Option<Labels>,
}

/// A change of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldPatch {
    /// API name; only for custom fields. Stored filters and mappings keep working.
    pub name: Option<String>,
    /// Label by language.
    pub label: Option<Labels>,
    /// Help text by language.
    pub help: Option<Labels>,
    /// Name of its section.
    pub section: Option<Option<String>>,
    /// Order in its section.
    pub position: Option<i32>,
    /// Every write must leave a value in it.
    pub required: Option<bool>,
    /// No two records that are not archived may have the same value.
    pub unique: Option<bool>,
    /// The value of new records that give none.
    pub default: Option<Option<serde_json::Value>>,
    /// Limits on the value.
    pub validation: Option<Validation>,
    /// Another type.
    pub kind: Option<KindSpec>,
    /// Values that the new type cannot hold may be dropped; otherwise such a change is refused with their number.
    pub drop_unconvertible: bool,
    /// All options in order: new ones are added, missing ones removed, the others relabelled or retired.
    pub options: Option<Vec<Choice>>,
    /// Search includes it.
    pub searchable: Option<bool>,
    /// Changes are kept in the history.
    pub audited: Option<bool>,
    /// Class of personal data.
    pub personal: Option<Option<Personal>>,
    /// What happens when the other end of a link is destroyed; set on the to-one side.
    pub on_destroy: Option<OnDestroy>,
}

/// A change of a section.
#[derive(Clone, Debug, Default)]
pub struct SectionPatch {
    /// API name.
    pub name: Option<String>,
    /// Label by language.
    pub label: Option<Labels>,
    /// Order among the object's sections.
    pub position: Option<i32>,
}

pub(super) async fn object(edit: &mut Edit<'_>, id: ObjectId, patch: &ObjectPatch) -> Result<()> {
    let known = edit.object_by_id(id)?;
    let mut object = known.clone();
    if let Some(name) = &patch.name {
        object.name.clone_from(name);
    }
    if let Some(plural) = &patch.plural {
        object.plural.clone_from(plural);
    }
    if (&object.name, &object.plural) != (&known.name, &known.plural) {
        only_custom(known.origin, "object", &known.name)?;
        names::object_names(&edit.catalog, Some(known), &object.name, &object.plural, object.origin)?;
    }
    for (mine, wanted) in [(&mut object.label, &patch.label), (&mut object.plural_label, &patch.plural_label)] {
        if let Some(wanted) = wanted {
            checks::label(wanted)?;
            mine.clone_from(wanted);
        }
    }
    store::update_object(&edit.tx, &object).await?;
    edit.with_object(id, |slot| *slot = object);
    Ok(())
}

/// Standard objects and fields keep their names, because rules and documents rely on them.
pub(super) fn only_custom(origin: Origin, what: &str, name: &str) -> Result<()> {
    match origin {
        Origin::Custom => Ok(()),
        Origin::Standard | Origin::System => Err(Error::new(
            Code::BadRequest,
            format!(
                "The {what} `{name}` is part of the product and cannot be renamed or deleted; change its label instead."
            ),
        )),
    }
}

pub(super) async fn field(edit: &mut Edit<'_>, id: FieldId, patch: &FieldPatch) -> Result<()> {
    let known = edit.field(id)?.clone();
    let mut named = known.clone();
    words(edit, &mut named, &known, patch)?;
    if let (Some(KindSpec::Rollup(wanted)), Some(_)) = (&patch.kind, known.rollup()) {
        if known.origin != Origin::Custom {
            let message = format!("`{}` is part of the product: its definition cannot be changed.", known.name);
            return Err(Error::new(Code::BadRequest, message));
        }
        rules(&mut named, &known, patch)?;
        rollups::redefine(edit, named, wanted).await?;
        return name_freed(edit, &known, patch).await;
    }
    // use the rules of the new type, if the type changes
    let pending = store::todo(&edit.tx, id).await?.and_then(|todo| todo.change);
    let planned = pending.as_ref().map_or_else(|| named.clone(), |change| change.target(&named));
    let mut field = planned.clone();
    if let Some(kind) = &patch.kind {
        conversion::aim(&mut field, &known, kind)?;
    }
    rules(&mut field, &planned, patch)?;
    if let Some(options) = &patch.options {
        choices(edit, &mut field, &known, options).await?;
    }
    if let Some(on_destroy) = patch.on_destroy {
        destroying(edit, &mut field, on_destroy).await?;
    }
    checks::values(&field, &Locale::of(edit.db().settings(), edit.catalog.rates.clone()))?;
    if field.validation != planned.validation {
        conditions::check(edit.object_by_id(field.object)?, &field)?;
    }
    if pending.is_some() && patch.kind.is_none() && same_rules(&field, &planned) {
        named.searchable = field.searchable;
        (named.audited, named.personal) = (field.audited, field.personal);
        edit.update_field(named).await?;
        return name_freed(edit, &known, patch).await;
    }
    conversion::give_up(edit, &mut named).await?;
    (field.state, field.changing) = (named.state, None);
    if conversion::same_type(&field.kind, &known.kind) {
        field.column.clone_from(&known.column);
        keep(edit, &Field { state: named.state, ..known.clone() }, field).await?;
    } else {
        conversion::begin(edit, named, field, patch.drop_unconvertible).await?;
    }
    name_freed(edit, &known, patch).await
}

/// Whether both accept the same values.
fn same_rules(one: &Field, other: &Field) -> bool {
    (&one.kind, one.required, one.unique, &one.default, &one.validation)
        == (&other.kind, other.required, other.unique, &other.default, &other.validation)
}

/// Stores a field that keeps its type, and builds what its new rules need.
async fn keep(edit: &mut Edit<'_>, known: &Field, mut field: Field) -> Result<()> {
    let indexed = store::indexed(&edit.tx, field.id).await?;
    let table = edit.object_by_id(field.object)?.table.clone();
    if known.unique && !field.unique {
        edit.run([ddl::unique_index(&table, &field).drop()]).await?;
    }
    let again = known.state == FieldState::Failed;
    let rebuilt = again || known.unique != field.unique || (build::everywhere(&field) && !build::everywhere(known));
    if !rebuilt {
        return edit.update_field(field).await;
    }
    if build::everywhere(&field) {
        edit.freeze().await?;
    }
    let mut plan = build::plan(edit, &field, indexed).await?;
    plan.only_what_changed(known, &field);
    plan.refuse_missing(edit, &field).await?;
    if known.state != FieldState::Inactive {
        field.state = plan.state();
        field.failure = None;
    }
    edit.update_field(field.clone()).await?;
    plan.start(edit, &field).await
}

/// Name, labels and position.
fn words(edit: &Edit<'_>, field: &mut Field, known: &Field, patch: &FieldPatch) -> Result<()> {
    let object = edit.object_by_id(field.object)?;
    if let Some(name) = patch.name.as_ref().filter(|name| **name != known.name) {
        only_custom(known.origin, "field", &known.name)?;
        names::field_name(object, Some(known.id), name, known.origin)?;
        field.name.clone_from(name);
    }
    for (mine, wanted) in [(&mut field.label, &patch.label), (&mut field.help, &patch.help)] {
        if let Some(wanted) = wanted {
            checks::label(wanted)?;
            mine.clone_from(wanted);
        }
    }
    if let Some(section) = &patch.section {
        field.section = create::section_named(object, section.as_deref())?;
    }
    field.position = patch.position.unwrap_or(known.position);
    Ok(())
}

/// The rules for its values.
pub(super) fn rules(field: &mut Field, known: &Field, patch: &FieldPatch) -> Result<()> {
    field.searchable = patch.searchable.unwrap_or(known.searchable);
    field.audited = patch.audited.unwrap_or(known.audited);
    field.personal = patch.personal.unwrap_or(known.personal);
    field.required = patch.required.unwrap_or(known.required);
    field.unique = patch.unique.unwrap_or(known.unique);
    if let Some(default) = &patch.default {
        field.default.clone_from(default);
    }
    if let Some(validation) = &patch.validation {
        field.validation = validation.clone();
    }
    let refuse = |part: &str, why: &str| {
        Err(Error::invalid(vec![FieldIssue { field: part.to_owned(), issue: Issue::Rule(why.to_owned()) }]))
    };
    if field.unique != known.unique && known.origin == Origin::System {
        return refuse("unique", "the uniqueness of a system field is fixed");
    }
    let emptied = field.relation().is_some_and(|link| link.on_destroy == OnDestroy::SetNull);
    if field.required && !known.required && emptied && patch.on_destroy.is_none() {
        return refuse("required", "a required link cannot be emptied; set `onDestroy` to RESTRICT or CASCADE");
    }
    if field.required && matches!(field.kind, FieldKind::Link { .. }) {
        return refuse("required", "a LINK cannot be required: destroying its target empties it");
    }
    if field.required && !known.required && !known.writable {
        return refuse("required", "only the system can write this field");
    }
    if field.unique && !checks::kind_can_be_unique(&field.kind) {
        return refuse("unique", "values of this type cannot be unique");
    }
    if field.unique && field.default.is_some() {
        return refuse(
            "default",
            "a unique field cannot have a default: the second record would have the value of the first",
        );
    }
    Ok(())
}

/// Changes what happens when the other end of a link is destroyed, on both of its sides.
async fn destroying(edit: &mut Edit<'_>, field: &mut Field, on_destroy: OnDestroy) -> Result<()> {
    let refuse = |why: &str| {
        Err(Error::invalid(vec![FieldIssue { field: "onDestroy".to_owned(), issue: Issue::Rule(why.to_owned()) }]))
    };
    let required = field.required;
    let FieldKind::Relation(link) = &mut field.kind else { return refuse("only links have this setting") };
    if link.cardinality != Cardinality::ManyToOne {
        return refuse("set it on the side that links to one record");
    }
    if required && on_destroy == OnDestroy::SetNull {
        return refuse("a required link cannot be emptied; use RESTRICT or CASCADE");
    }
    link.on_destroy = on_destroy;
    if let Some(mut inverse) = link.inverse.and_then(|id| edit.catalog.field(id)).cloned() {
        if let FieldKind::Relation(back) = &mut inverse.kind {
            back.on_destroy = on_destroy;
        }
        edit.update_field(inverse).await?;
    }
    Ok(())
}

/// Replaces the options of a select. An option that records use cannot be removed.
async fn choices(edit: &mut Edit<'_>, field: &mut Field, known: &Field, wanted: &[Choice]) -> Result<()> {
    let (FieldKind::Select { options } | FieldKind::MultiSelect { options }) = &mut field.kind else {
        return Err(Error::invalid(vec![FieldIssue {
            field: "options".to_owned(),
            issue: Issue::Rule("only selects have options".to_owned()),
        }]));
    };
    let removed: Vec<&Choice> =
        known.options().iter().filter(|old| !wanted.iter().any(|new| new.value == old.value)).collect();
    checks::options(wanted)?;
    *options = wanted.to_vec();
    // values of another type are checked when they are converted
    if removed.is_empty() || !conversion::same_type(&field.kind, &known.kind) {
        return Ok(());
    }
    if known.origin != Origin::Custom {
        return Err(Error::new(
            Code::BadRequest,
            format!("`{}` is part of the product: retire its options instead of removing them.", known.name),
        ));
    }
    edit.freeze().await?;
    for option in removed {
        let holding = build::holding(edit, known, &option.value).await?;
        if holding > 0 {
            return Err(Error::new(
                Code::OptionInUse,
                format!("{holding} records use `{}`; change them first, or retire the option.", option.value),
            ));
        }
    }
    Ok(())
}

/// Activates a standard field that was waiting for the name which an admin's field has now given up.
pub(super) async fn name_freed(edit: &mut Edit<'_>, known: &Field, patch: &FieldPatch) -> Result<()> {
    if patch.name.as_ref().is_none_or(|name| *name == known.name) {
        return Ok(());
    }
    activate(edit, known).await
}

/// Activates the inactive field of this name, if there is one.
pub(super) async fn activate(edit: &mut Edit<'_>, gone: &Field) -> Result<()> {
    let Ok(object) = edit.object_by_id(gone.object) else { return Ok(()) };
    let waiting = object
        .fields
        .iter()
        .find(|field| field.state == FieldState::Inactive && field.name.eq_ignore_ascii_case(&gone.name));
    let Some(mut field) = waiting.cloned() else { return Ok(()) };
    let unfinished = store::todo(&edit.tx, field.id).await?.is_some();
    field.state = if unfinished { FieldState::Building } else { FieldState::Active };
    let id = field.id;
    edit.update_field(field).await?;
    if unfinished {
        edit.ask_to_build(Build::Field(id)).await?;
    }
    Ok(())
}

/// Puts fields of an object into an order, in a section or in none.
pub(super) async fn reorder(
    edit: &mut Edit<'_>,
    object: ObjectId,
    section: Option<&str>,
    fields: &[FieldId],
) -> Result<()> {
    let section = create::section_named(edit.object_by_id(object)?, section)?;
    for (position, id) in fields.iter().enumerate() {
        let mut field = edit.field(*id)?.clone();
        if field.object != object {
            return Err(Error::new(Code::NotFound, format!("`{}` is a field of another object.", field.name)));
        }
        (field.section, field.position) = (section, i32::try_from(position).unwrap_or(i32::MAX));
        edit.update_field(field).await?;
    }
    Ok(())
}

pub(super) async fn section(edit: &mut Edit<'_>, id: SectionId, patch: &SectionPatch) -> Result<()> {
    let (object, mut section) = find_section(edit, id)?;
    if let Some(name) = patch.name.as_ref().filter(|name| **name != section.name) {
        names::well_formed(name)?;
        let taken = |other: &Section| other.id != id && other.name.eq_ignore_ascii_case(name);
        if edit.object_by_id(object)?.sections.iter().any(taken) {
            return Err(Error::new(Code::NameTaken, format!("There is already a section `{name}`.")));
        }
        section.name.clone_from(name);
    }
    if let Some(label) = &patch.label {
        checks::label(label)?;
        section.label.clone_from(label);
    }
    section.position = patch.position.unwrap_or(section.position);
    store::save_section(&edit.tx, object, &section).await?;
    edit.with_object(object, |object: &mut Object| {
        object.sections.retain(|other| other.id != id);
        object.sections.push(section);
    });
    Ok(())
}

/// A section and the object that it belongs to.
pub(super) fn find_section(edit: &Edit<'_>, id: SectionId) -> Result<(ObjectId, Section)> {
    let all = edit.catalog.objects.iter().flat_map(|object| object.sections.iter().map(|section| (object.id, section)));
    let found = all.into_iter().find(|(_, section)| section.id == id);
    let (object, section) = found.ok_or_else(|| Error::new(Code::NotFound, "There is no such section."))?;
    Ok((object, section.clone()))
}
