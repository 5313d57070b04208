//! Which fields a caller can see and write. A field that is derived from other fields has at most their access, unless
//! the role names it: a rollup over a hidden field, a text that rules derive from it, or the other end of a hidden link
//! would reveal its values.

use tenants::{
    Access, FieldAccess, Operation, RowScope,
    access::Grants,
    error::{Code, Error, Result},
};

use super::rows;
use crate::{
    Ctx,
    catalog::{Catalog, Field, FieldId, FieldKind, Rollup},
};

/// How many steps of derivation are followed; nothing is derived in more.
const STEPS: usize = 4;

/// The caller's access to a field's values.
pub fn field_access(ctx: &Ctx, field: &Field) -> FieldAccess {
    access_on(ctx, &ctx.caller.access, field)
}

/// The caller's access to a field's values: limited by the role, or because nobody writes the field.
pub fn effective_access(ctx: &Ctx, field: &Field) -> FieldAccess {
    let object = ctx.catalog.object_by_id(field.object);
    if object.is_none_or(|object| rows::scope(ctx, object, Operation::Read) == RowScope::None) {
        return FieldAccess::Hidden;
    }
    let written = field.writable && !field.engine_writes() && object.is_some_and(|object| object.writable);
    field_access(ctx, field).min(if written { FieldAccess::Write } else { FieldAccess::Read })
}

/// The access to a field, for any actor.
pub(crate) fn access_on(ctx: &Ctx, access: &Access, field: &Field) -> FieldAccess {
    match access {
        Access::All => FieldAccess::Write,
        Access::Granted(granted) => of(ctx, &granted.grants, field, STEPS),
    }
}

fn of(ctx: &Ctx, grants: &Grants, field: &Field, steps: usize) -> FieldAccess {
    // a record that can be seen must be identifiable
    if field.kind == FieldKind::Id {
        return FieldAccess::Read;
    }
    let given = grants.field(field.object, field.id);
    if given == FieldAccess::Hidden || grants.names(field.object, field.id) {
        return given;
    }
    if counts_unseen(ctx, grants, field) {
        return FieldAccess::Hidden;
    }
    let other_end = inverse(ctx, field).map(|inverse| grants.field(inverse.object, inverse.id));
    let sources = derived_from(ctx, field).into_iter().map(|source| match steps {
        0 => FieldAccess::Hidden,
        _ => of(ctx, grants, source, steps - 1),
    });
    sources.chain(other_end).fold(given, Ord::min)
}

/// The hidden field that hides a field: one it is derived from, or the other end of the same link.
pub(super) fn hidden_source<'a>(ctx: &'a Ctx, grants: &Grants, field: &Field) -> Option<&'a Field> {
    let hidden = |source: &&Field| of(ctx, grants, source, STEPS) == FieldAccess::Hidden;
    let other_end =
        inverse(ctx, field).filter(|inverse| grants.field(inverse.object, inverse.id) == FieldAccess::Hidden);
    derived_from(ctx, field).into_iter().find(hidden).or(other_end)
}

/// The field at the other end of the same link.
fn inverse<'a>(ctx: &'a Ctx, field: &Field) -> Option<&'a Field> {
    ctx.catalog.field(field.relation()?.inverse?)
}

/// The fields that a field is derived from.
fn derived_from<'a>(ctx: &'a Ctx, field: &Field) -> Vec<&'a Field> {
    let sources = match &field.kind {
        FieldKind::Rollup(Rollup { relation, field, filter, .. }) => {
            let mut sources: Vec<FieldId> = field.iter().copied().chain([*relation]).collect();
            if let Some(filter) = filter {
                filter.visit(&mut |seen| sources.push(seen));
            }
            sources
        }
        _ => ctx
            .catalog
            .object_by_id(field.object)
            .map_or_else(Vec::new, |object| ctx.rules.derived_from(&ctx.catalog, object, field)),
    };
    sources.into_iter().filter_map(|id| ctx.catalog.field(id)).collect()
}

/// Whether a rollup is about an object that cannot be read at all.
fn counts_unseen(ctx: &Ctx, grants: &Grants, field: &Field) -> bool {
    let counted = |catalog: &Catalog, rollup: &Rollup| Some(catalog.field(rollup.relation)?.relation()?.to);
    match &field.kind {
        FieldKind::Rollup(rollup) => {
            counted(&ctx.catalog, rollup).is_some_and(|object| grants.scope(object, Operation::Read) == RowScope::None)
        }
        _ => false,
    }
}

/// Whether the caller may read a field's values.
pub(crate) fn sees(ctx: &Ctx, field: &Field) -> bool {
    field_access(ctx, field) >= FieldAccess::Read
}

/// Whether the caller may change a field's values.
pub(crate) fn writes(ctx: &Ctx, field: &Field) -> bool {
    field_access(ctx, field) == FieldAccess::Write
}

/// Refuses what would reveal a hidden field's values.
///
/// # Errors
/// `FORBIDDEN` naming the field: its existence is not secret, its values are.
pub fn see(ctx: &Ctx, field: &Field) -> Result<()> {
    if sees(ctx, field) {
        return Ok(());
    }
    let object = ctx.catalog.object_by_id(field.object).map_or("its object", |object| &object.name);
    let message = format!("Your role does not show `{}` of {object}.", field.name);
    Err(Error::new(Code::Forbidden, message).with("field", field.name.clone()))
}

/// Like [`see`], for several fields; unknown fields are left to the code that uses them.
///
/// # Errors
/// As [`see`].
pub fn see_all(ctx: &Ctx, fields: &[FieldId]) -> Result<()> {
    fields.iter().filter_map(|id| ctx.catalog.field(*id)).try_for_each(|field| see(ctx, field))
}

/// Refuses what would reveal every record that a link leads to, if the caller cannot see all of them.
///
/// # Errors
/// `FORBIDDEN` naming the object at its end.
pub(crate) fn see_ends(ctx: &Ctx, field: &Field) -> Result<()> {
    let target = field.relation().and_then(|link| ctx.catalog.object_by_id(link.to));
    match target.filter(|target| rows::scope(ctx, target, Operation::Read) != RowScope::All) {
        None => Ok(()),
        Some(target) => {
            let message = format!("Your role does not include all {}, so you cannot group by them.", target.plural);
            Err(Error::new(Code::Forbidden, message))
        }
    }
}
