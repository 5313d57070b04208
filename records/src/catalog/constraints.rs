//! Fields of an object that are unique together: a plate within a country.
//!
//! An index over the columns that the fields are compared by keeps it, for records that are not archived and have a
//! value in each of the fields. For few rows it is built within the change that asks for it; for many, a job builds it.

use std::collections::HashSet;

use entities::ids::{ConstraintId, FieldId, ObjectId};
use sea_orm::{ConnectionTrait, TransactionSession};
use tenants::{
    Code, Error, Issue, TenantTx,
    db::violation,
    error::{FieldIssue, Result},
};

use super::{
    Catalog, Constraint, Encryption, Field, FieldState, Object, Origin, build,
    builder::{Progress, index_made},
    cache, checks, ddl,
    edit::{Edit, edit},
    jobs::Build,
    store,
};
use crate::{Ctx, engine::cells, sql::Sql, values};

/// Most constraints of an object that admins may make.
pub const CONSTRAINTS: usize = 10;
/// How many fields may be unique together.
const FIELDS: std::ops::RangeInclusive<usize> = 2..=5;
/// Most characters of a value in the reason why a constraint failed.
const SHOWN: usize = 60;

/// Makes fields of an object unique together. Where records share their values already, it fails at once.
pub(super) async fn create(
    edit: &mut Edit<'_>,
    object: ObjectId,
    fields: Vec<FieldId>,
    origin: Origin,
) -> Result<ConstraintId> {
    let owner = edit.object_by_id(object)?.clone();
    check(&owner, &fields)?;
    if has(&owner, &fields) {
        return Err(refused("these fields are unique together already, or were to be: delete that constraint first"));
    }
    let made = owner.constraints.iter().filter(|known| known.origin == Origin::Custom).count();
    if origin == Origin::Custom && made >= CONSTRAINTS {
        let message = format!("`{}` already has {CONSTRAINTS} constraints; delete one first.", owner.name);
        return Err(Error::new(Code::QuotaExceeded, message));
    }
    let id = ConstraintId::new();
    let index = format!("uq_{}__{}", owner.table, edit.physical('c'));
    let mut constraint = Constraint { id, fields, index, origin, state: FieldState::Building, failure: None };
    let later = build::many(edit, &owner.table).await?;
    if !later {
        build_now(edit, &owner, &mut constraint).await?;
    }
    if later {
        edit.ask_to_build(Build::Constraint(id, constraint.index.clone())).await?;
    }
    store::insert_constraint(&edit.tx, object, &constraint).await?;
    edit.with_object(object, |object| object.constraints.push(constraint));
    Ok(id)
}

async fn build_now(edit: &Edit<'_>, owner: &Object, constraint: &mut Constraint) -> Result<()> {
    constraint.failure = shared(&edit.tx, owner, constraint).await?;
    if constraint.failure.is_some() {
        constraint.state = FieldState::Failed;
        return Ok(());
    }
    let Some(index) = index_of(owner, constraint) else { return Ok(()) };
    match edit.tx.execute_unprepared(&index.create()).await {
        // written since we looked: look again
        Err(error) if violation(&error).is_some() => return Err(Error::of(Code::Busy).caused_by(error)),
        other => other?,
    };
    constraint.state = FieldState::Active;
    Ok(())
}

/// Makes what code declares, unless it is there or one of its fields had to give way.
pub(super) async fn bring(edit: &mut Edit<'_>, object: ObjectId, fields: Vec<FieldId>) -> Result<()> {
    let owner = edit.object_by_id(object)?;
    let usable = |id: &FieldId| owner.fields.iter().any(|field| field.id == *id && field.usable());
    if has(owner, &fields) || !fields.iter().all(usable) {
        return Ok(());
    }
    create(edit, object, fields, Origin::Standard).await.map(drop)
}

/// Whether an object has a constraint of these fields.
fn has(object: &Object, fields: &[FieldId]) -> bool {
    let wanted: HashSet<&FieldId> = fields.iter().collect();
    object.constraints.iter().any(|known| known.fields.iter().collect::<HashSet<_>>() == wanted)
}

/// Refuses fields that cannot be unique together.
fn check(object: &Object, fields: &[FieldId]) -> Result<()> {
    let distinct: HashSet<&FieldId> = fields.iter().collect();
    if !FIELDS.contains(&fields.len()) || distinct.len() < fields.len() {
        return Err(refused(&format!("name {} to {} different fields", FIELDS.start(), FIELDS.end())));
    }
    for id in fields {
        let field = object.fields.iter().find(|field| field.id == *id && field.usable());
        let field = field.ok_or_else(|| refused(&format!("`{}` has no such field", object.name)))?;
        let compared = checks::kind_can_be_unique(&field.kind) && field.encryption != Encryption::Sealed;
        if !compared || field.engine_writes() {
            return Err(refused(&format!("values of `{}` cannot be unique", field.name)));
        }
        if field.changing.is_some() {
            return Err(refused(&format!("the type of `{}` is just being changed", field.name)));
        }
    }
    Ok(())
}

pub(super) fn refused(why: &str) -> Error {
    Error::invalid(vec![FieldIssue { field: "fields".to_owned(), issue: Issue::Rule(why.to_owned()) }])
}

/// Deletes a constraint.
pub(super) async fn delete(edit: &mut Edit<'_>, id: ConstraintId) -> Result<()> {
    let found = edit.catalog.objects.iter().find_map(|object| Some((object.id, object.constraint(id)?)));
    let (object, constraint) = found.ok_or_else(|| Error::new(Code::NotFound, "There is no such constraint."))?;
    if constraint.origin != Origin::Custom {
        return Err(Error::new(Code::BadRequest, "This constraint is part of the product and cannot be deleted."));
    }
    let index = constraint.index.clone();
    remove(edit, object, id, &index).await
}

/// Deletes the constraints that need one of these fields.
pub(super) async fn delete_of(edit: &mut Edit<'_>, fields: &HashSet<FieldId>) -> Result<()> {
    let objects = edit.catalog.objects.iter();
    let constraints = objects.flat_map(|object| object.constraints.iter().map(|constraint| (object.id, constraint)));
    let gone: Vec<_> = constraints
        .filter(|(_, constraint)| constraint.fields.iter().any(|id| fields.contains(id)))
        .map(|(object, constraint)| (object, constraint.id, constraint.index.clone()))
        .collect();
    for (object, id, index) in gone {
        remove(edit, object, id, &index).await?;
    }
    Ok(())
}

async fn remove(edit: &mut Edit<'_>, object: ObjectId, id: ConstraintId, index: &str) -> Result<()> {
    edit.run([ddl::drop_index(index)]).await?;
    store::delete_constraint(&edit.tx, id).await?;
    edit.with_object(object, |object| object.constraints.retain(|constraint| constraint.id != id));
    Ok(())
}

/// The constraints that need one of these fields, `object(field, field)`.
pub(super) fn names(catalog: &Catalog, fields: &HashSet<FieldId>) -> Vec<String> {
    let mut names = Vec::new();
    for object in &catalog.objects {
        let concerned = |constraint: &&Constraint| constraint.fields.iter().any(|id| fields.contains(id));
        for constraint in object.constraints.iter().filter(concerned) {
            let of: Vec<&str> =
                constraint.fields.iter().filter_map(|id| Some(catalog.field(*id)?.name.as_str())).collect();
            names.push(format!("{}({})", object.name, of.join(", ")));
        }
    }
    names.sort();
    names
}

/// Does one step of building a constraint; it can be repeated at any point. `index` is the name of its index, which is
/// dropped if the constraint is gone by then.
///
/// # Errors
/// `BUSY` and `UNAVAILABLE`, which are retried.
pub async fn build_constraint_step(ctx: &Ctx, id: ConstraintId, index: &str) -> Result<Progress> {
    let db = &ctx.db;
    let catalog = cache::reload(db).await?;
    let found = catalog.objects.iter().find_map(|object| Some((object, object.constraint(id)?)));
    let Some((object, constraint)) = found else {
        edit(db, ctx.caller.clock.micros(), |edit: &mut Edit<'_>| {
            Box::pin(async move { edit.run([ddl::drop_index(index)]).await })
        })
        .await?;
        return Ok(Progress::Done);
    };
    if constraint.state != FieldState::Building {
        return Ok(Progress::Done);
    }
    let Some(index) = index_of(object, constraint) else { return Ok(Progress::Done) };
    let failure = if index_made(db, &index).await? {
        None
    } else {
        let tx = db.begin_read().await?;
        let failure = shared(&tx, object, constraint).await?;
        tx.commit().await?;
        // made different meanwhile
        if failure.is_none() {
            return Ok(Progress::More);
        }
        failure
    };
    finish(ctx, object.id, constraint, &failure).await?;
    // deleted meanwhile: the next step drops the index
    let gone = cache::current(db).await?.object_by_id(object.id).is_none_or(|object| object.constraint(id).is_none());
    Ok(if gone { Progress::More } else { Progress::Done })
}

async fn finish(ctx: &Ctx, object: ObjectId, built: &Constraint, failure: &Option<String>) -> Result<()> {
    edit(&ctx.db, ctx.caller.clock.micros(), |edit: &mut Edit<'_>| {
        Box::pin(async move {
            let known = edit.catalog.object_by_id(object).and_then(|object| object.constraint(built.id));
            let Some(mut constraint) = known.cloned() else { return Ok(()) };
            constraint.state = if failure.is_some() { FieldState::Failed } else { FieldState::Active };
            constraint.failure.clone_from(failure);
            store::update_constraint(&edit.tx, &constraint).await?;
            edit.with_object(object, |object| {
                object.constraints.retain(|other| other.id != constraint.id);
                object.constraints.push(constraint);
            });
            Ok(())
        })
    })
    .await
}

/// The index that keeps a constraint.
fn index_of(object: &Object, constraint: &Constraint) -> Option<ddl::Index> {
    let fields = object.members(constraint)?;
    Some(ddl::combined_index(&object.table, &constraint.index, &fields))
}

/// An example of records that share the values of a constraint, as the reason why it cannot hold.
async fn shared(tx: &TenantTx, object: &Object, constraint: &Constraint) -> Result<Option<String>> {
    let Some(fields) = object.members(constraint) else { return Ok(None) };
    let columns: Vec<String> = fields.iter().map(|field| format!("\"{}\"", ddl::compared(field))).collect();
    let mut sql = Sql::new(tx.dialect());
    sql.push(r#"SELECT "id" FROM (SELECT "id", row_number() OVER (PARTITION BY "#).push(&columns.join(", "));
    sql.push(r#" ORDER BY "id") AS n FROM "#).table(&object.table).push(r#" WHERE "archived_at" IS NULL"#);
    for column in &columns {
        sql.push(" AND ").push(column).push(" IS NOT NULL");
    }
    sql.push(") AS d WHERE n = 2 LIMIT 1");
    let (text, binds) = sql.into_parts();
    let Some(row) = tx.query_one_raw(tx.statement(text, binds)).await? else { return Ok(None) };
    let id: uuid::Uuid = row.try_get_by_index(0)?;
    let mut parts = Vec::with_capacity(fields.len());
    for field in fields {
        parts.push(format!("{}: {}", field.name, shown(tx, object, field, id).await?));
    }
    Ok(Some(format!(
        "Several records have {}. Make them different, delete the constraint, then create it again.",
        parts.join(", ")
    )))
}

async fn shown(tx: &TenantTx, object: &Object, field: &Field, id: uuid::Uuid) -> Result<String> {
    if field.encryption.is_some() {
        return Ok("…".to_owned());
    }
    let cell = cells::of(tx, object, field, &[id]).await?.pop();
    let text = cell.map(|cell| values::to_text(field, &cell.value)).unwrap_or_default();
    Ok(if text.chars().count() > SHOWN { text.chars().take(SHOWN).chain(['…']).collect() } else { text })
}
