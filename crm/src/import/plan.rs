//! Decides, before the first row, how a file is read and what its columns fill.

use std::io::{Read, Seek};

use entities::ids::FieldId;
use files::Reader;
use records::{
    Ctx,
    catalog::{Field, FieldKind, Object},
    permission,
};
use tenants::{
    FieldAccess, Operation,
    error::{Code, Error, Result},
};

use super::{
    errors_file,
    format::{self, Format},
    mapping::{self, Column, Mapping},
    model::{Duplicates, Options, Plan},
    rows::MAX_COLUMNS,
};

/// What the beginning of a file shows: how it is read, and what its columns would fill.
pub(super) struct Head {
    pub(super) format: Format,
    pub(super) mapping: Mapping,
    /// Cells before the first column of the mapping.
    pub(super) skip: usize,
}

/// The plan for a file.
///
/// # Errors
/// `BAD_FILE` if the file is not a table; `BAD_REQUEST` for options that do not fit the file or the catalog;
/// `FORBIDDEN`.
pub(super) fn plan(ctx: &Ctx, mut file: Reader, options: &Options) -> Result<Plan> {
    let object = importable_object(ctx, &options.object)?;
    let Head { format, mapping, skip } = head(ctx, object, &mut file, options)?;
    if mapping.0.iter().all(|column| column.field.is_none()) {
        let headers: Vec<&str> = mapping.ignored().collect();
        let message = format!(
            "No column fills a field of {}; say which with `Header=field`. The columns are: {}.",
            object.name,
            headers.join(", ")
        );
        return Err(Error::new(Code::BadRequest, message));
    }
    let plan = Plan {
        object: object.id,
        match_on: match_on(object, &mapping, &options.match_on)?,
        format,
        mapping,
        skip,
        on_duplicate: options.on_duplicate,
        dry_run: options.dry_run,
        language: ctx.caller.locale.clone(),
    };
    allowed(ctx, object, &plan)?;
    Ok(plan)
}

/// Reads the beginning of a file.
///
/// # Errors
/// As [`plan`].
pub(super) fn head(ctx: &Ctx, object: &Object, file: &mut (impl Read + Seek), options: &Options) -> Result<Head> {
    let format = format::detect(file, &options.format, |text| mapping::names_a_field(object, text))?;
    let first = format.rows(&mut *file)?.next_row()?;
    let first = first.ok_or_else(|| Error::new(Code::BadFile, "The file has no rows."))?;
    let skip = if format.header && errors_file::is_errors_file(first.cells()) { errors_file::COLUMNS.len() } else { 0 };
    let columns = first.len() - skip;
    if columns > MAX_COLUMNS {
        return Err(Error::new(Code::BadFile, format!("The file has {columns} columns; the most is {MAX_COLUMNS}.")));
    }
    let headers = if format.header {
        mapping::headers(first.cells().skip(skip))
    } else {
        mapping::headers(std::iter::repeat_n("", columns))
    };
    let suggested = mapping::suggest(object, &headers);
    let mapping = mapping::with_choices(suggested, &ctx.catalog, object, &options.map)?;
    Ok(Head { format, mapping, skip })
}

/// The object that a file is imported into.
///
/// # Errors
/// `BAD_REQUEST` if there is none of that name; `FORBIDDEN` if the caller may not import into it.
pub(super) fn importable_object<'a>(ctx: &'a Ctx, name: &str) -> Result<&'a Object> {
    let object = ctx.catalog.object(name).filter(|object| object.writable).ok_or_else(|| {
        let known: Vec<&str> =
            ctx.catalog.objects.iter().filter(|object| object.writable).map(|object| object.name.as_str()).collect();
        let message = format!("There is no object `{name}` to import into; there are: {}.", known.join(", "));
        Error::new(Code::BadRequest, message)
    })?;
    permission::permit(ctx, object, Operation::Import)?;
    Ok(object)
}

/// Refuses to fill fields that the caller may not change, to match or link by fields that they cannot see, and to
/// handle duplicates in a way that their role does not allow.
fn allowed(ctx: &Ctx, object: &Object, plan: &Plan) -> Result<()> {
    permission::permit(ctx, object, Operation::Create)?;
    if plan.on_duplicate == Duplicates::Update {
        permission::permit(ctx, object, Operation::Update)?;
    }
    permission::see_all(ctx, &plan.match_on)?;
    permission::see_all(ctx, &plan.mapping.0.iter().filter_map(|column| column.by).collect::<Vec<_>>())?;
    match refused(ctx, &plan.mapping).next() {
        None => Ok(()),
        Some((column, field)) => {
            let (name, header) = (&field.name, &column.header);
            let message = format!("Your role does not allow you to change `{name}`; ignore its column: `{header}=`.");
            Err(Error::new(Code::Forbidden, message).with("field", name.clone()))
        }
    }
}

/// The columns that would fill fields which the caller may not change.
pub(super) fn refused<'a>(ctx: &'a Ctx, mapping: &'a Mapping) -> impl Iterator<Item = (&'a Column, &'a Field)> {
    let filled = mapping.0.iter().filter_map(|column| Some((column, ctx.catalog.field(column.field?)?)));
    let changed = |field| permission::field_access(ctx, field) == FieldAccess::Write;
    filled.filter(move |(_, field)| field.writable && !changed(field))
}

/// The fields that match rows to records: the chosen ones, which columns must fill; by default the external id and then
/// the unique fields, if columns fill them.
fn match_on(object: &Object, mapping: &Mapping, names: &[String]) -> Result<Vec<FieldId>> {
    let filled = |id: FieldId| mapping.0.iter().any(|column| column.field == Some(id));
    if names.is_empty() {
        let external = object.field("externalId").into_iter();
        let unique = object.fields.iter().filter(|field| field.unique && field.name != "externalId");
        return Ok(external.chain(unique).map(|field| field.id).filter(|id| filled(*id)).collect());
    }
    let one = |name: &String| {
        let field = object.field(name).ok_or_else(|| {
            Error::new(
                Code::BadRequest,
                format!("`{name}` is not a field of {}; match by a field that a column fills.", object.name),
            )
        })?;
        let comparable = matches!(
            field.kind,
            FieldKind::Text
                | FieldKind::Email
                | FieldKind::Phone
                | FieldKind::Url
                | FieldKind::Integer
                | FieldKind::Date
                | FieldKind::Decimal { .. }
        );
        if !comparable {
            return Err(Error::new(
                Code::BadRequest,
                format!("`{name}` cannot identify records; match by a text, an email, a phone or a number."),
            ));
        }
        if !filled(field.id) {
            return Err(Error::new(
                Code::BadRequest,
                format!("No column fills `{name}`, so rows cannot be matched by it; add `Header={name}`."),
            ));
        }
        Ok(field.id)
    };
    names.iter().map(one).collect()
}
