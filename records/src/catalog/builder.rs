//! The job that finishes a field over many rows: first its values, then its indexes, then it becomes active.
//!
//! Readers and writers continue meanwhile. Rows are filled in batches, each in its own transaction, in the order of
//! their ids; the position is stored with the field. PostgreSQL builds indexes concurrently; an index that a crash left
//! invalid is dropped and built again. SQLite builds an index at once, during which writers wait (about a second for a
//! million rows) and readers do not.

use std::collections::BTreeMap;

use entities::ids::FieldId;
use sea_orm::{ConnectionTrait, TransactionSession};
use tenants::{
    Clock, Dialect, TenantDb,
    db::violation,
    error::{Code, Error, Result},
};

use super::{
    Catalog, Field, FieldState, build, cache, conversion,
    ddl::Index,
    edit::{Edit, edit},
    fill, rollups, store,
};
use crate::{Ctx, engine::note_rebuilt};

/// Rows filled in one transaction.
const BATCH: i64 = 2_000;
/// Batches in one step, about a second of work.
const BATCHES: usize = 10;

/// What a step has left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing.
    Done,
    /// Another step is needed.
    More,
}

/// Does one step of building a field; it can be repeated at any point. Fields that need nothing are finished at once.
///
/// # Errors
/// `BUSY` and `UNAVAILABLE`, which are retried. Duplicate values of a unique field fail the field, not the step.
pub async fn build_step(ctx: &Ctx, id: FieldId) -> Result<Progress> {
    let db = &ctx.db;
    let catalog = cache::reload(db).await?;
    let Some(field) = catalog.field(id) else { return Ok(Progress::Done) };
    let Some(mut todo) = store::todo(db, id).await? else { return Ok(Progress::Done) };
    if let Some(change) = &todo.change {
        return conversion::step(ctx, &catalog, field, change).await;
    }
    if todo.fill {
        for _ in 0..BATCHES {
            if !batch(db, &catalog, field, &mut todo).await? {
                break;
            }
        }
        if todo.fill {
            return Ok(Progress::More);
        }
    }
    let object = catalog.object_by_id(field.object);
    let table = object.map_or("", |object| &object.table);
    let indexed = store::indexed(db, id).await?;
    for index in build::wanted_indexes(db.dialect(), table, field, indexed) {
        if !index_made(db, &index).await? {
            finish(ctx, field, FieldState::Failed, Some(shared(field))).await?;
            return Ok(Progress::Done);
        }
    }
    finish(ctx, field, FieldState::Active, None).await?;
    Ok(Progress::Done)
}

/// The reason why a field cannot be unique.
pub(super) fn shared(field: &Field) -> String {
    format!(
        "Records share values of `{}`, so it cannot be unique. Make them different, then set `unique` again.",
        field.name
    )
}

/// Fills the next rows and stores the position; false if there are no more rows.
async fn batch(db: &TenantDb, catalog: &Catalog, field: &Field, todo: &mut build::Todo) -> Result<bool> {
    let Some(object) = catalog.object_by_id(field.object) else { return Ok(false) };
    let tx = db.begin_write().await?;
    if store::held(&tx, field.id).await?.is_none_or(|(column, _)| column != field.column) {
        return Err(Error::of(Code::StaleCatalog));
    }
    let ids = fill::next_ids(&tx, object, todo.after, BATCH).await?;
    fill::fill(db, &tx, catalog, field.id, &ids).await?;
    let filled = ids.is_empty() && todo.after.is_some();
    match ids.last() {
        Some(last) => todo.after = Some(*last),
        None => todo.fill = false,
    }
    store::save_todo(&tx, field.id, Some(todo)).await?;
    if filled && field.rollup().is_some() {
        let now = Clock::system().micros();
        note_rebuilt(db, &tx, catalog.version, now, BTreeMap::from([(object.id, vec![field.id])])).await?;
    }
    tx.commit().await?;
    Ok(todo.fill)
}

/// Builds an index while the table is in use; false if rows share values of a unique index.
pub(super) async fn index_made(db: &TenantDb, index: &Index) -> Result<bool> {
    let made = match db.dialect() {
        Dialect::Sqlite => db.execute_unprepared(&index.create()).await.map(drop),
        Dialect::Postgres => {
            match db.index_is_valid(&index.name).await? {
                Some(true) => return Ok(true),
                Some(false) => db.run_online(&index.drop_concurrently()).await?,
                None => {}
            }
            db.run_online(&index.create_concurrently()).await
        }
    };
    match made {
        Ok(()) => Ok(true),
        Err(error) if violation(&error).is_some() => {
            if db.dialect() == Dialect::Postgres {
                db.run_online(&index.drop_concurrently()).await?;
            }
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Marks the field as active or failed, in a change of the catalog. A field that waits for its name keeps waiting.
///
/// # Errors
/// `STALE_CATALOG`, which is retried, if the field has moved to another column meanwhile.
async fn finish(ctx: &Ctx, built: &Field, state: FieldState, failure: Option<String>) -> Result<()> {
    let failure = &failure;
    edit(&ctx.db, ctx.caller.clock.micros(), |edit: &mut Edit<'_>| {
        Box::pin(async move {
            let Some(mut field) = edit.catalog.field(built.id).cloned() else { return Ok(()) };
            if field.column != built.column {
                return Err(Error::of(Code::StaleCatalog));
            }
            if field.state == FieldState::Building {
                field.state = state;
            }
            field.failure.clone_from(failure);
            if state == FieldState::Failed {
                field.unique = false;
            }
            store::save_todo(&edit.tx, built.id, None).await?;
            edit.update_field(field).await?;
            rollups::go_on_above(edit, built.id).await
        })
    })
    .await
}
