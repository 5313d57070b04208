//! Deletes objects and fields. What goes with them is reported first; maintenance drops columns and tables later.

use std::collections::HashSet;

use entities::ids::{FieldId, ObjectId, SectionId};
use serde::Serialize;
use tenants::{Code, Error, TenantDb, error::Result};

use super::{
    Catalog, Field, build, conditions, constraints, conversion, ddl,
    edit::{Edit, KEPT, edit},
    patch, store,
};

/// What is deleted with an object or a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// Records that disappear, or lose a value.
    pub records: i64,
    /// Fields that disappear with it, `object.field`: inverse relations, links to the object, rollups over them.
    pub fields: Vec<String>,
    /// Constraints that end with it, `object(field, field)`.
    pub constraints: Vec<String>,
}

/// Deletes a field, or only reports what would happen.
pub(super) async fn field(edit: &mut Edit<'_>, id: FieldId, preview: bool) -> Result<Impact> {
    let known = edit.field(id)?.clone();
    patch::only_custom(known.origin, "field", &known.name)?;
    let doomed = doomed(&edit.catalog, HashSet::from([id]), None);
    nobody_looks(&edit.catalog, &doomed)?;
    let records = if known.column.is_empty() { 0 } else { build::holding_any(edit, &known).await? };
    let impact = Impact {
        records,
        fields: names(&edit.catalog, &doomed, id),
        constraints: constraints::names(&edit.catalog, &doomed),
    };
    if !preview {
        retire(edit, &doomed).await?;
    }
    Ok(impact)
}

/// Deletes an object with its records, or only reports what would happen.
pub(super) async fn object(edit: &mut Edit<'_>, id: ObjectId, preview: bool) -> Result<Impact> {
    let known = edit.object_by_id(id)?.clone();
    patch::only_custom(known.origin, "object", &known.name)?;
    let own: HashSet<FieldId> = known.fields.iter().map(|field| field.id).collect();
    let doomed = doomed(&edit.catalog, own.clone(), Some(id));
    nobody_looks(&edit.catalog, &doomed)?;
    let elsewhere: HashSet<FieldId> = doomed.difference(&own).copied().collect();
    let counted = format!(r#"SELECT count(*) FROM "tenant"."{}""#, known.table);
    let records = build::count(edit, counted).await?;
    let impact = Impact {
        records,
        fields: all_names(&edit.catalog, &elsewhere),
        constraints: constraints::names(&edit.catalog, &elsewhere),
    };
    if !preview {
        retire(edit, &elsewhere).await?;
        edit.leave();
        store::retire_object(&edit.tx, id, edit.now).await?;
        let mut objects = std::mem::take(&mut edit.catalog.objects);
        objects.retain(|object| object.id != id);
        edit.replace(objects);
    }
    Ok(impact)
}

/// Deletes a section; its fields then belong to none.
pub(super) async fn section(edit: &mut Edit<'_>, id: SectionId) -> Result<()> {
    let (object, _) = patch::find_section(edit, id)?;
    let inside: Vec<Field> =
        edit.object_by_id(object)?.fields.iter().filter(|field| field.section == Some(id)).cloned().collect();
    for mut field in inside {
        field.section = None;
        edit.update_field(field).await?;
    }
    store::delete_section(&edit.tx, id).await?;
    edit.with_object(object, |object| object.sections.retain(|section| section.id != id));
    Ok(())
}

/// Everything that cannot exist without these fields and the object.
fn doomed(catalog: &Catalog, mut doomed: HashSet<FieldId>, object: Option<ObjectId>) -> HashSet<FieldId> {
    loop {
        let before = doomed.len();
        for field in catalog.objects.iter().flat_map(|object| &object.fields) {
            let link = field.relation().is_some_and(|link| {
                Some(link.to) == object || link.inverse.is_some_and(|inverse| doomed.contains(&inverse))
            });
            let total = field.rollup().is_some_and(|rollup| {
                doomed.contains(&rollup.relation)
                    || rollup.field.is_some_and(|of| doomed.contains(&of))
                    || rollup.filter.as_ref().is_some_and(|filter| filter.mentions(&doomed))
            });
            if link || total {
                doomed.insert(field.id);
            }
        }
        if doomed.len() == before {
            return doomed;
        }
    }
}

/// Refuses to delete a field that a condition uses. Unlike a rollup, a condition is a rule: an admin must change it.
fn nobody_looks(catalog: &Catalog, doomed: &HashSet<FieldId>) -> Result<()> {
    let looking = conditions::looking_at(catalog, doomed);
    if looking.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The conditions of {} use what would be deleted; change their `requiredWhen` or `visibleWhen` first.",
        looking.join(", ")
    );
    Err(Error::new(Code::Conflict, message).with("fields", looking))
}

/// What is computed from the values of a field or depends on them, `object.field`.
pub(super) fn standing_on(catalog: &Catalog, id: FieldId) -> Vec<String> {
    let it = HashSet::from([id]);
    let stands = |field: &&Field| {
        field.rollup().is_some_and(|rollup| {
            rollup.field == Some(id) || rollup.filter.as_ref().is_some_and(|filter| filter.mentions(&it))
        })
    };
    let fields = catalog.objects.iter().flat_map(|object| &object.fields).filter(stands);
    let mut names = all_names(catalog, &fields.map(|field| field.id).collect());
    names.extend(conditions::looking_at(catalog, &it));
    names.extend(constraints::names(catalog, &it));
    names
}

fn names(catalog: &Catalog, doomed: &HashSet<FieldId>, but: FieldId) -> Vec<String> {
    all_names(catalog, &doomed.iter().copied().filter(|id| *id != but).collect())
}

fn all_names(catalog: &Catalog, fields: &HashSet<FieldId>) -> Vec<String> {
    let mut names: Vec<String> = fields
        .iter()
        .filter_map(|id| Some(format!("{}.{}", catalog.object_of(*id)?.name, catalog.field(*id)?.name)))
        .collect();
    names.sort();
    names
}

/// Deletes fields. Uniqueness ends at once: a hidden value must not block a visible one.
async fn retire(edit: &mut Edit<'_>, doomed: &HashSet<FieldId>) -> Result<()> {
    constraints::delete_of(edit, doomed).await?;
    let fields: Vec<Field> = doomed.iter().filter_map(|id| edit.catalog.field(*id)).cloned().collect();
    for field in &fields {
        let table = edit.object_by_id(field.object)?.table.clone();
        let mut field = field.clone();
        conversion::give_up(edit, &mut field).await?;
        if field.unique && !field.column.is_empty() {
            edit.run([ddl::unique_index(&table, &field).drop()]).await?;
        }
        edit.retire_field(&field).await?;
    }
    for field in &fields {
        patch::activate(edit, field).await?;
    }
    Ok(())
}

/// Maintenance: drops columns and tables that were deleted 30 days ago or earlier, each in its own change, and returns
/// how many. Every change that deletes something queues this (in [`super::DropRetired`]) for the right time; `now` is in
/// microseconds UTC. SQLite rewrites the table to drop a column, and writers wait meanwhile; PostgreSQL does not.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_retired(db: &TenantDb, now: i64) -> Result<usize> {
    let before = now - KEPT + 1;
    let mut dropped = 0;
    while edit(db, now, |edit| Box::pin(drop_one(edit, before))).await? {
        dropped += 1;
    }
    Ok(dropped)
}

async fn drop_one(edit: &mut Edit<'_>, before: i64) -> Result<bool> {
    let dialect = edit.dialect();
    if let Some((object, fields)) = store::retired_object(&edit.tx, before).await? {
        edit.run(fields.iter().filter_map(own_link_table).map(drop_table)).await?;
        edit.run([drop_table(object.table_name)]).await?;
        store::delete_object(&edit.tx, object.id).await?;
        edit.touch();
        return Ok(true);
    }
    let Some(field) = store::retired_field(&edit.tx, before).await? else { return Ok(false) };
    let table = edit.object_by_id(field.object)?.table.clone();
    edit.run([ddl::unique_index(&table, &field).drop()]).await?;
    edit.run(ddl::field_index(dialect, &table, &field).map(|index| index.drop())).await?;
    edit.run(ddl::drop_columns(dialect, &table, &field)).await?;
    edit.run(own_link_table(&field).map(drop_table)).await?;
    store::delete_field(&edit.tx, field.id).await?;
    edit.touch();
    Ok(true)
}

/// A link table goes with the field that declared it.
fn own_link_table(field: &Field) -> Option<String> {
    let link = field.relation().filter(|link| link.forward)?;
    link.link_table.clone()
}

fn drop_table(table: String) -> String {
    format!(r#"DROP TABLE IF EXISTS "tenant"."{table}""#)
}
