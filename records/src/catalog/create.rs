//! Creates objects, fields and sections. Columns exist at once; what must be built for existing rows follows.

use entities::ids::{FieldId, ObjectId, SectionId};
use tenants::{
    Code, Error, Issue,
    error::{FieldIssue, Result},
};

use super::{
    Field, FieldKind, FieldState, Object, Origin, Relation, Section, build, checks, conditions, ddl,
    edit::Edit,
    names, relations, rollups,
    spec::{FieldSpec, KindSpec, ObjectSpec, SectionSpec},
    store, system,
};
use crate::values::Locale;

/// Most custom objects.
pub const CUSTOM_OBJECTS: usize = 40;
/// Most fields of an object.
pub const FIELDS: usize = 200;
/// Most rollups of an object.
pub const ROLLUPS: usize = 10;

/// Creates an object with its table, sections and system fields; [`field`] adds its own fields.
pub(super) async fn object(edit: &mut Edit<'_>, spec: &ObjectSpec, origin: Origin) -> Result<ObjectId> {
    names::object_names(&edit.catalog, None, &spec.name, &spec.plural, origin)?;
    checks::label(&spec.label)?;
    checks::label(&spec.plural_label)?;
    let custom = edit.catalog.objects.iter().filter(|object| object.origin == Origin::Custom).count();
    if origin == Origin::Custom && custom >= CUSTOM_OBJECTS {
        return Err(quota(&format!("An organisation can have {CUSTOM_OBJECTS} objects of its own; delete one first.")));
    }
    let table = spec.table.clone().unwrap_or_else(|| edit.physical('o'));
    let mut object = Object::new(ObjectId::new(), &spec.name, &spec.plural, &table, origin);
    let id = object.id;
    object.label.clone_from(&spec.label);
    object.plural_label.clone_from(&spec.plural_label);
    object.writable = spec.table.is_none();
    if object.writable {
        let dialect = edit.dialect();
        let indexes = ddl::system_indexes(dialect, &table, spec.owned, spec.listed);
        edit.run([ddl::create_table(dialect, &table, spec.owned)]).await?;
        edit.run(indexes.iter().map(ddl::Index::create)).await?;
    }
    edit.insert_object(object).await?;
    for section_spec in &spec.sections {
        section(edit, id, section_spec).await?;
    }
    for field in system::fields(id, spec.table.is_none()) {
        edit.insert_field(field, true).await?;
    }
    Ok(id)
}

/// Creates the link from an object to its owner; the table has its column from the start.
pub(super) async fn owner(edit: &mut Edit<'_>, object: ObjectId) -> Result<()> {
    let member = edit.object("member")?.id;
    edit.insert_field(system::owner(object, member), true).await
}

/// Creates a section.
pub(super) async fn section(edit: &mut Edit<'_>, object: ObjectId, spec: &SectionSpec) -> Result<SectionId> {
    names::well_formed(&spec.name)?;
    checks::label(&spec.label)?;
    let sections = &edit.object_by_id(object)?.sections;
    if sections.iter().any(|section| section.name.eq_ignore_ascii_case(&spec.name)) {
        return Err(Error::new(Code::NameTaken, format!("There is already a section `{}`.", spec.name)));
    }
    let last = sections.iter().map(|section| section.position).max();
    let section = Section {
        id: SectionId::new(),
        name: spec.name.clone(),
        label: spec.label.clone(),
        position: spec.position.unwrap_or_else(|| last.map_or(0, |last| last.saturating_add(1))),
    };
    let id = section.id;
    store::save_section(&edit.tx, object, &section).await?;
    edit.with_object(object, |object| object.sections.push(section));
    Ok(id)
}

/// Creates a field. A standard field whose name an admin's field has taken stays inactive.
pub(super) async fn field(edit: &mut Edit<'_>, object: ObjectId, spec: &FieldSpec, origin: Origin) -> Result<FieldId> {
    let named = names::field_name(edit.object_by_id(object)?, None, &spec.name, origin);
    let inactive = origin == Origin::Standard && named.is_err();
    if !inactive {
        named?;
    }
    checks::field(spec, origin)?;
    check_quota(edit.object_by_id(object)?, spec, origin)?;
    let mut field = plain_field(edit, object, spec, origin)?;
    if inactive {
        field.state = FieldState::Inactive;
    }
    let inverse = match &spec.kind {
        KindSpec::Value(kind) => {
            field.kind = kind.clone();
            None
        }
        KindSpec::Relation(wanted) => relations::resolve(edit, &mut field, wanted).await?,
        KindSpec::Link(names) => {
            field.kind = FieldKind::Link { to: linked(edit, names)? };
            None
        }
        KindSpec::Rollup(wanted) => {
            let rollup = rollups::resolve(edit, object, wanted)?;
            rollups::refuse_tower(edit, field.id, &rollup)?;
            field.kind = FieldKind::Rollup(rollup);
            field.writable = false;
            None
        }
    };
    checks::values(&field, &Locale::of(edit.db().settings(), edit.catalog.rates.clone()))?;
    conditions::check(edit.object_by_id(object)?, &field)?;
    give_column(edit, &mut field, spec);
    let id = field.id;
    let indexed = spec.indexed || origin == Origin::Custom;
    add(edit, field, indexed).await?;
    if let Some(inverse) = inverse {
        edit.insert_field(inverse, false).await?;
    }
    Ok(id)
}

/// The objects of these names, each once.
fn linked(edit: &Edit<'_>, names: &[String]) -> Result<Vec<ObjectId>> {
    let mut to = Vec::new();
    for name in names {
        let Some(object) = edit.catalog.object(name) else {
            let issue = Issue::Rule(format!("there is no object `{name}`; the query `objects` lists all"));
            return Err(Error::invalid(vec![FieldIssue { field: "linkTo".to_owned(), issue }]));
        };
        if !to.contains(&object.id) {
            to.push(object.id);
        }
    }
    Ok(to)
}

/// Checks everything that needs only the declaration.
fn plain_field(edit: &Edit<'_>, object: ObjectId, spec: &FieldSpec, origin: Origin) -> Result<Field> {
    let owner = edit.object_by_id(object)?;
    let mut field = Field::new(FieldId::new(), object, &spec.name, "", FieldKind::Text);
    field.label.clone_from(&spec.label);
    field.help.clone_from(&spec.help);
    field.section = section_named(owner, spec.section.as_deref())?;
    field.position = spec.position.unwrap_or_else(|| next_position(owner));
    field.origin = origin;
    field.required = spec.required;
    field.unique = spec.unique;
    field.default.clone_from(&spec.default);
    field.validation = spec.validation.clone();
    field.searchable = spec.searchable;
    field.audited = spec.audited;
    field.personal = spec.personal;
    field.encryption = spec.encryption;
    field.writable = spec.writable && owner.writable;
    if matches!(spec.kind, KindSpec::Value(FieldKind::AutoNumber { .. })) {
        field.writable = false;
    }
    Ok(field.with_keys(edit.db().key()))
}

/// The position after all fields of an object.
pub(super) fn next_position(object: &Object) -> i32 {
    object.fields.iter().map(|field| field.position).max().map_or(0, |last| last.saturating_add(1))
}

/// The section of that name, or an error.
pub(super) fn section_named(object: &Object, name: Option<&str>) -> Result<Option<SectionId>> {
    let Some(name) = name else { return Ok(None) };
    match object.section(name) {
        Some(section) => Ok(Some(section.id)),
        None => Err(Error::invalid(vec![FieldIssue {
            field: "section".to_owned(),
            issue: Issue::Rule(format!("`{}` has no section `{name}`; create it first", object.name)),
        }])),
    }
}

fn check_quota(object: &Object, spec: &FieldSpec, origin: Origin) -> Result<()> {
    if origin != Origin::Custom {
        return Ok(());
    }
    if object.fields.iter().filter(|field| field.origin != Origin::System).count() >= FIELDS {
        return Err(quota(&format!("`{}` already has {FIELDS} fields; delete one first.", object.name)));
    }
    let rollups = object.fields.iter().filter(|field| field.rollup().is_some()).count();
    if matches!(spec.kind, KindSpec::Rollup(_)) && rollups >= ROLLUPS {
        return Err(quota(&format!("`{}` already has {ROLLUPS} rollups; delete one first.", object.name)));
    }
    Ok(())
}

fn quota(message: &str) -> Error {
    Error::new(Code::QuotaExceeded, message)
}

fn give_column(edit: &mut Edit<'_>, field: &mut Field, spec: &FieldSpec) {
    let elsewhere = field.relation().is_some_and(|link: &Relation| !ddl::in_column(link.cardinality));
    field.column = match &spec.column {
        Some(column) => column.clone(),
        None if elsewhere => String::new(),
        None => edit.physical('f'),
    };
}

/// Adds the columns, and builds the rest now if there is little to do, otherwise later.
async fn add(edit: &mut Edit<'_>, mut field: Field, indexed: bool) -> Result<()> {
    let object = edit.object_by_id(field.object)?;
    if !object.writable {
        return edit.insert_field(field, false).await;
    }
    let table = object.table.clone();
    edit.run(ddl::add_columns(edit.dialect(), &table, &field)).await?;
    let plan = build::plan(edit, &field, indexed).await?;
    plan.refuse_missing(edit, &field).await?;
    if field.state != FieldState::Inactive {
        field.state = plan.state();
    }
    edit.insert_field(field.clone(), indexed).await?;
    plan.start(edit, &field).await
}

/// Gives a system field of a new object the labels, rules and data class of a declaration.
pub(super) async fn refine(edit: &mut Edit<'_>, known: &Field, spec: &FieldSpec) -> Result<()> {
    let mut field = known.clone();
    for (mine, wanted) in [(&mut field.label, &spec.label), (&mut field.help, &spec.help)] {
        if !wanted.is_empty() {
            mine.clone_from(wanted);
        }
    }
    field.section = section_named(edit.object_by_id(known.object)?, spec.section.as_deref())?;
    (field.required, field.searchable) = (spec.required, spec.searchable);
    (field.personal, field.audited) = (spec.personal, spec.audited);
    field.writable = field.writable && spec.writable;
    edit.update_field(field).await
}
