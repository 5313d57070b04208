//! Which fields a caller sees and writes. What is made of a hidden field is hidden with it, unless the role names it:
//! a total over it, or a text that rules derive from it, would tell it by another name.

use tenants::{
    Access, FieldAccess,
    access::Granted,
    error::{Code, Error, Result},
};

use crate::{
    Ctx,
    catalog::{Catalog, Field, FieldId, FieldKind, Rollup},
};

/// How far fields that are made of others are followed; nothing is made of more steps.
pub(super) const STEPS: usize = 4;

/// What the caller may do with a field's values.
pub fn field_access(ctx: &Ctx, field: &Field) -> FieldAccess {
    match &*ctx.caller.access {
        Access::All => FieldAccess::Write,
        Access::Granted(granted) => of(ctx, granted, field, STEPS),
    }
}

fn of(ctx: &Ctx, granted: &Granted, field: &Field, steps: usize) -> FieldAccess {
    // a record that is seen at all is told apart from others
    if field.kind == FieldKind::Id {
        return FieldAccess::Read;
    }
    let given = granted.grants.field(field.object, field.id);
    if given == FieldAccess::Hidden || granted.grants.names(field.object, field.id) {
        return given;
    }
    let tells = hidden_source(ctx, granted, field, steps).is_some() || counts_unseen(ctx, granted, field);
    if tells { FieldAccess::Hidden } else { given }
}

/// A hidden field that a field's values are made of.
pub(super) fn hidden_source<'a>(ctx: &'a Ctx, granted: &Granted, field: &Field, steps: usize) -> Option<&'a Field> {
    let sources = made_of(ctx, field).into_iter().filter_map(|id| ctx.catalog.field(id));
    let hidden = |source: &&Field| steps == 0 || of(ctx, granted, source, steps - 1) == FieldAccess::Hidden;
    sources.into_iter().find(hidden)
}

/// The fields that a field's values are made of.
fn made_of(ctx: &Ctx, field: &Field) -> Vec<FieldId> {
    match &field.kind {
        FieldKind::Rollup(Rollup { field, filter, .. }) => {
            let mut sources: Vec<FieldId> = field.iter().copied().collect();
            if let Some(filter) = filter {
                filter.visit(&mut |seen| sources.push(seen));
            }
            sources
        }
        _ => ctx
            .catalog
            .object_by_id(field.object)
            .map_or_else(Vec::new, |object| ctx.rules.made_of(&ctx.catalog, object, field)),
    }
}

/// Whether a total is about an object that is not to be read at all.
fn counts_unseen(ctx: &Ctx, granted: &Granted, field: &Field) -> bool {
    let counted = |catalog: &Catalog, rollup: &Rollup| Some(catalog.field(rollup.relation)?.relation()?.to);
    match &field.kind {
        FieldKind::Rollup(rollup) => counted(&ctx.catalog, rollup)
            .is_some_and(|object| granted.grants.scope(object, tenants::Operation::Read) == tenants::RowScope::None),
        _ => false,
    }
}

/// Whether the caller may learn a field's values.
pub(crate) fn sees(ctx: &Ctx, field: &Field) -> bool {
    field_access(ctx, field) >= FieldAccess::Read
}

/// Whether the caller may change a field's values.
pub(crate) fn writes(ctx: &Ctx, field: &Field) -> bool {
    field_access(ctx, field) == FieldAccess::Write
}

/// Refuses what would tell a hidden field's values.
///
/// # Errors
/// `FORBIDDEN` naming the field: that it exists is no secret, what it holds is.
pub fn see(ctx: &Ctx, field: &Field) -> Result<()> {
    if sees(ctx, field) {
        return Ok(());
    }
    let object = ctx.catalog.object_by_id(field.object).map_or("its object", |object| &object.name);
    let message = format!("Your role does not show `{}` of {object}.", field.name);
    Err(Error::new(Code::Forbidden, message).with("field", field.name.clone()))
}

/// As [`see`], of several fields; those that are not in the catalog are left to who uses them.
///
/// # Errors
/// As [`see`].
pub fn see_all(ctx: &Ctx, fields: &[FieldId]) -> Result<()> {
    fields.iter().filter_map(|id| ctx.catalog.field(*id)).try_for_each(|field| see(ctx, field))
}
