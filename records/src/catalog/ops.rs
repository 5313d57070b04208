//! The operations of admins on the catalog. Each is one transaction and takes effect from the next request on, in every
//! process.

use entities::ids::{ConstraintId, FieldId, ObjectId, SectionId};
use tenants::{
    Operation, Permission, RowScope,
    error::{Code, Error, Result},
};

use super::{
    Constraint, Field, FieldPatch, Impact, Object, ObjectPatch, Origin, Section, SectionPatch, Validation, constraints,
    conversion, create, current,
    edit::{Doing, Edit, edit, no_object},
    patch, remove,
    spec::{FieldSpec, KindSpec, ObjectSpec, SectionSpec},
};
use crate::{Ctx, filter::Filter, permission};

/// Creates an object with its table.
///
/// # Errors
/// `NAME_TAKEN`, `NAME_RESERVED`, `QUOTA_EXCEEDED`, `VALIDATION_FAILED`, `BUSY`.
pub async fn create_object(ctx: &Ctx, mut spec: ObjectSpec) -> Result<Object> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    spec.table = None;
    let spec = &spec;
    let id = change(ctx, |edit| {
        Box::pin(async move {
            let id = create::object(edit, spec, Origin::Custom).await?;
            if spec.owned {
                create::owner(edit, id).await?;
            }
            for field in &spec.fields {
                create::field(edit, id, field, Origin::Custom).await?;
            }
            for fields in &spec.unique {
                let fields = fields_named(edit.object_by_id(id)?, fields)?;
                constraints::create(edit, id, fields, Origin::Custom).await?;
            }
            Ok(id)
        })
    });
    let id = id.await?;
    object_of(ctx, id).await
}

/// Changes names or labels of an object.
///
/// # Errors
/// `NOT_FOUND`; `NAME_TAKEN`; `NAME_RESERVED`; `BAD_REQUEST` for names of standard objects; `BUSY`.
pub async fn update_object(ctx: &Ctx, id: ObjectId, changes: ObjectPatch) -> Result<Object> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let changes = &changes;
    change(ctx, |edit| Box::pin(patch::object(edit, id, changes))).await?;
    object_of(ctx, id).await
}

/// Deletes a custom object with its records, or only reports what would be deleted.
///
/// # Errors
/// `FORBIDDEN` for a caller who may not destroy all of its records; `NOT_FOUND`; `BAD_REQUEST` for standard objects;
/// `BUSY`.
pub async fn delete_object(ctx: &Ctx, id: ObjectId, preview: bool) -> Result<Impact> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    if let Some(object) = ctx.catalog.object_by_id(id) {
        permit_all(ctx, object, Operation::Destroy)?;
    }
    change(ctx, |edit| Box::pin(remove::object(edit, id, preview))).await
}

/// Creates a field. It can be used at once, though its state may be BUILDING.
///
/// # Errors
/// `NOT_FOUND` for the object; `NAME_TAKEN`; `NAME_RESERVED`; `QUOTA_EXCEEDED`; `VALIDATION_FAILED` (also if existing
/// rows would lack a required value); `BUSY`.
pub async fn create_field(ctx: &Ctx, object: &str, mut spec: FieldSpec) -> Result<Field> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    spec.column = None;
    see_conditions(ctx, &spec.validation)?;
    if let Some(object) = ctx.catalog.object(object) {
        see_kind(ctx, object, &spec.kind)?;
    }
    let spec = &spec;
    let id = change(ctx, |edit| {
        Box::pin(async move {
            let owner = edit.object(object)?;
            let id = writable(owner)?;
            create::field(edit, id, spec, Origin::Custom).await
        })
    });
    let id = id.await?;
    field_of(ctx, id).await
}

/// Changes a field: names, labels, position, rules, options, type.
///
/// # Errors
/// As [`create_field`]; also `OPTION_IN_USE` and `WOULD_LOSE_VALUES` with the number of records, `CONFLICT` if other
/// fields depend on the type, `BAD_REQUEST` for what is fixed in standard fields.
pub async fn update_field(ctx: &Ctx, id: FieldId, changes: FieldPatch) -> Result<Field> {
    permit_field(ctx, id)?;
    changes.validation.as_ref().map_or(Ok(()), |validation| see_conditions(ctx, validation))?;
    if let (Some(kind), Some(object)) = (&changes.kind, ctx.catalog.object_of(id)) {
        see_kind(ctx, object, kind)?;
    }
    conversion::refuse_losses(ctx, id, &changes).await?;
    let changes = &changes;
    change(ctx, |edit| Box::pin(patch::field(edit, id, changes))).await?;
    field_of(ctx, id).await
}

/// Deletes a custom field, or only reports what would be deleted.
///
/// # Errors
/// `NOT_FOUND`; `BAD_REQUEST` for standard fields; `BUSY`.
pub async fn delete_field(ctx: &Ctx, id: FieldId, preview: bool) -> Result<Impact> {
    permit_field(ctx, id)?;
    change(ctx, |edit| Box::pin(remove::field(edit, id, preview))).await
}

/// Puts fields into this order, in a section or in none.
///
/// # Errors
/// `NOT_FOUND` for the object or a field, `VALIDATION_FAILED` for the section, `BUSY`.
pub async fn reorder_fields(ctx: &Ctx, object: &str, section: Option<&str>, fields: &[FieldId]) -> Result<Object> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let id = change(ctx, |edit| {
        Box::pin(async move {
            let id = edit.object(object)?.id;
            patch::reorder(edit, id, section, fields).await?;
            Ok(id)
        })
    });
    let id = id.await?;
    object_of(ctx, id).await
}

/// Creates a section of an object's form.
///
/// # Errors
/// `NOT_FOUND` for the object, `NAME_TAKEN`, `BAD_REQUEST`, `BUSY`.
pub async fn create_section(ctx: &Ctx, object: &str, spec: SectionSpec) -> Result<Section> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let spec = &spec;
    change(ctx, |edit| {
        Box::pin(async move {
            let object = edit.object(object)?.id;
            let id = create::section(edit, object, spec).await?;
            Ok(patch::find_section(edit, id)?.1)
        })
    })
    .await
}

/// Changes name, label or position of a section.
///
/// # Errors
/// `NOT_FOUND`, `NAME_TAKEN`, `BAD_REQUEST`, `BUSY`.
pub async fn update_section(ctx: &Ctx, id: SectionId, changes: SectionPatch) -> Result<Section> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let changes = &changes;
    change(ctx, |edit| {
        Box::pin(async move {
            patch::section(edit, id, changes).await?;
            Ok(patch::find_section(edit, id)?.1)
        })
    })
    .await
}

/// Deletes a section; its fields are kept.
///
/// # Errors
/// `NOT_FOUND`, `BUSY`.
pub async fn delete_section(ctx: &Ctx, id: SectionId) -> Result<()> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    change(ctx, |edit| Box::pin(remove::section(edit, id))).await
}

/// Makes fields of an object unique together. Where records share their values already, its state is FAILED, and the
/// failure names an example.
///
/// # Errors
/// `NOT_FOUND` for the object; `VALIDATION_FAILED` for fields that cannot be unique together; `QUOTA_EXCEEDED`; `BUSY`.
pub async fn create_constraint(ctx: &Ctx, object: &str, fields: &[String]) -> Result<Constraint> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    if let Some(object) = ctx.catalog.object(object) {
        // the failure names values
        permit_all(ctx, object, Operation::Read)?;
        let known: Vec<FieldId> = fields.iter().filter_map(|name| Some(object.field(name)?.id)).collect();
        permission::see_all(ctx, &known)?;
    }
    let id = change(ctx, |edit| {
        Box::pin(async move {
            let owner = edit.object(object)?;
            let id = writable(owner)?;
            let fields = fields_named(owner, fields)?;
            constraints::create(edit, id, fields, Origin::Custom).await
        })
    });
    let id = id.await?;
    let catalog = current(&ctx.db).await?;
    let made = catalog.objects.iter().find_map(|object| object.constraint(id));
    made.cloned().ok_or_else(|| Error::new(Code::NotFound, "There is no such constraint."))
}

/// Deletes an admin's constraint.
///
/// # Errors
/// `NOT_FOUND`; `BAD_REQUEST` for constraints of the product; `BUSY`.
pub async fn delete_constraint(ctx: &Ctx, id: ConstraintId) -> Result<()> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    change(ctx, |edit| Box::pin(constraints::delete(edit, id))).await
}

fn fields_named(object: &Object, names: &[String]) -> Result<Vec<FieldId>> {
    let named = |name: &String| {
        let field = object.field(name).map(|field| field.id);
        field.ok_or_else(|| constraints::refused(&format!("`{}` has no field `{name}`", object.name)))
    };
    names.iter().map(named).collect()
}

async fn change<'a, T: Send>(
    ctx: &'a Ctx,
    doing: impl for<'e> FnMut(&'e mut Edit<'a>) -> Doing<'e, T> + Send,
) -> Result<T> {
    edit(&ctx.db, ctx.caller.clock.micros(), doing).await
}

/// Fields cannot be added to objects that the engine does not write.
fn writable(object: &Object) -> Result<ObjectId> {
    if object.writable {
        return Ok(object.id);
    }
    Err(tenants::Error::new(
        tenants::Code::BadRequest,
        format!("`{}` belongs to the system; fields cannot be added to it.", object.name),
    ))
}

async fn object_of(ctx: &Ctx, id: ObjectId) -> Result<Object> {
    let catalog = current(&ctx.db).await?;
    catalog.object_by_id(id).cloned().ok_or_else(|| no_object(&id.to_string()))
}

async fn field_of(ctx: &Ctx, id: FieldId) -> Result<Field> {
    let catalog = current(&ctx.db).await?;
    catalog.field(id).cloned().ok_or_else(no_field)
}

fn no_field() -> Error {
    Error::new(Code::NotFound, "There is no such field.")
}

/// Callers may not change fields that they cannot see: the report of lost values would reveal their contents.
fn permit_field(ctx: &Ctx, id: FieldId) -> Result<()> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    if let Some(object) = ctx.catalog.object_of(id) {
        permit_all(ctx, object, Operation::Read)?;
    }
    permission::see_all(ctx, &[id])
}

/// Refuses an operation on all records of an object if the caller's role does not include all of them.
fn permit_all(ctx: &Ctx, object: &Object, operation: Operation) -> Result<()> {
    match permission::permit(ctx, object, operation)? {
        RowScope::All => Ok(()),
        _ => {
            let message = format!("Your role does not allow {} on all {}.", operation.name(), object.plural);
            Err(Error::new(Code::Forbidden, message))
        }
    }
}

/// Conditions may only use fields that the caller can see: their result reveals the values.
fn see_conditions(ctx: &Ctx, validation: &Validation) -> Result<()> {
    let conditions = [&validation.required_when, &validation.visible_when];
    conditions.into_iter().flatten().try_for_each(|condition| see_filter(ctx, condition))
}

/// The same holds for rollups: the fields that they count and add up.
fn see_kind(ctx: &Ctx, object: &Object, kind: &KindSpec) -> Result<()> {
    let KindSpec::Rollup(rollup) = kind else { return Ok(()) };
    let relation = object.field(&rollup.relation);
    let counted = relation.and_then(|field| field.relation()).and_then(|link| ctx.catalog.object_by_id(link.to));
    let field = rollup.field.as_ref().and_then(|name| counted?.field(name));
    relation.into_iter().chain(field).try_for_each(|field| permission::see(ctx, field))?;
    rollup.filter.as_ref().map_or(Ok(()), |filter| see_filter(ctx, filter))
}

fn see_filter(ctx: &Ctx, filter: &Filter) -> Result<()> {
    let mut fields = Vec::new();
    filter.visit(&mut |field| fields.push(field));
    permission::see_all(ctx, &fields)
}
