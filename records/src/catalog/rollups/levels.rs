//! Rollups over rollups: which look at which, and on which level each is kept.

use entities::ids::FieldId;
use tenants::error::Result;

use super::refuse;
use crate::catalog::{Catalog, Field, FieldState, Rollup, edit::Edit};

/// Totals over totals that there may be: over plain fields, over those, and over these in turn.
pub const ROLLUP_LEVELS: usize = 3;

/// On which level a total is kept: one above the highest that it looks at. Zero for what is no total.
pub fn rollup_level(catalog: &Catalog, field: FieldId) -> usize {
    level(&|id| catalog.field(id)?.rollup(), field, ROLLUP_LEVELS + 1)
}

/// The same by whichever definitions; beyond `most`, it is not looked further, so that a circle ends.
fn level<'a>(rollup: &impl Fn(FieldId) -> Option<&'a Rollup>, field: FieldId, most: usize) -> usize {
    let Some(definition) = rollup(field).filter(|_| most > 0) else { return 0 };
    below(definition).into_iter().map(|source| level(rollup, source, most - 1)).max().unwrap_or(0) + 1
}

/// The fields that a total looks at.
fn below(rollup: &Rollup) -> Vec<FieldId> {
    let mut fields: Vec<FieldId> = rollup.field.into_iter().collect();
    if let Some(filter) = &rollup.filter {
        filter.visit(&mut |field| fields.push(field));
    }
    fields
}

/// Refuses totals that are too many levels above plain fields, or that look at themselves in the end.
pub(in super::super) fn refuse_tower(edit: &Edit<'_>, id: FieldId, wanted: &Rollup) -> Result<()> {
    let definition = |field: FieldId| if field == id { Some(wanted) } else { edit.catalog.field(field)?.rollup() };
    let totals = edit.catalog.objects.iter().flat_map(|object| &object.fields).filter(|field| field.rollup().is_some());
    let highest = totals.map(|field| field.id).chain([id]).map(|field| level(&definition, field, ROLLUP_LEVELS + 1));
    if highest.max().unwrap_or(0) > ROLLUP_LEVELS {
        let why = format!("rollups go {ROLLUP_LEVELS} levels up at most, and never in a cycle");
        let of = |field: FieldId| level(&definition, field, ROLLUP_LEVELS + 1);
        let highest = below(wanted).into_iter().map(of).max();
        let part = if wanted.field.map(of) == highest { "rollup.field" } else { "rollup.filter" };
        return Err(refuse(part, why));
    }
    Ok(())
}

/// The totals that look at a field.
pub(super) fn over(catalog: &Catalog, field: FieldId) -> impl Iterator<Item = &Field> {
    let fields = catalog.objects.iter().flat_map(|object| &object.fields);
    fields.filter(move |other| other.rollup().is_some_and(|rollup| below(rollup).contains(&field)))
}

/// Whether a rollup looks at one that is not complete.
pub(super) fn waits(catalog: &Catalog, rollup: &Field) -> bool {
    let building = |id: FieldId| {
        catalog.field(id).is_some_and(|field| field.rollup().is_some() && field.state == FieldState::Building)
    };
    rollup.rollup().is_some_and(|rollup| below(rollup).into_iter().any(building))
}

/// The rollups that look at a field, and those that look at these.
pub(super) fn all_over(catalog: &Catalog, field: FieldId) -> Vec<&Field> {
    let mut all: Vec<&Field> = over(catalog, field).collect();
    let mut next = 0;
    while let Some(field) = all.get(next).map(|field| field.id) {
        for above in over(catalog, field) {
            if all.iter().all(|known| known.id != above.id) {
                all.push(above);
            }
        }
        next += 1;
    }
    all
}
