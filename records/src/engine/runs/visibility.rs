//! Who may see, cancel and undo a run: a caller who may do the same operation on its object. For others it does not
//! exist.

use entities::{
    ids::{ObjectId, RunId},
    tenant::runs,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Cond};
use tenants::{
    Operation, Permission, RowScope,
    error::{Code, Error, Result},
};

use super::{Run, RunKind};
use crate::{Ctx, engine::verify, permission};

impl RunKind {
    /// The permission that such a run needs.
    fn demands(self) -> &'static [Operation] {
        match self {
            RunKind::Import => &[Operation::Import],
            RunKind::Update => &[Operation::Update],
            RunKind::Archive => &[Operation::Delete],
            RunKind::Undo => &[Operation::Update, Operation::Delete],
            RunKind::Samples => &[Operation::Create],
        }
    }
}

/// A run, if the caller may see it.
///
/// # Errors
/// `NOT_FOUND`, with the same message for a run that does not exist and one that the caller may not see.
pub async fn load(ctx: &Ctx, id: RunId) -> Result<Run> {
    let run = find(ctx, id).await?;
    if run.object.is_some_and(|object| ctx.catalog.object_by_id(object).is_none()) {
        verify(ctx).await?;
    }
    if sees(ctx, run.kind, run.object, run.created_by == ctx.caller.actor.stored()) {
        Ok(run)
    } else {
        Err(no_such_run())
    }
}

/// The runs that the caller may see, newest first, at most 200; `after` is the last one of the previous page.
///
/// # Errors
/// When the database does not answer.
pub async fn list(ctx: &Ctx, first: u64, after: Option<RunId>) -> Result<Vec<Run>> {
    // which runs can be seen depends on the objects that exist now
    verify(ctx).await?;
    let mut query = runs::Entity::find().filter(seen(ctx)).order_by_desc(runs::Column::Id).limit(Ord::min(first, 200));
    if let Some(after) = after {
        query = query.filter(runs::Column::Id.lt(after));
    }
    query.all(&ctx.db).await?.into_iter().map(|row| Run::of(ctx, row)).collect()
}

/// A run without a permission check, for its workers.
pub(super) async fn find(ctx: &Ctx, id: RunId) -> Result<Run> {
    let row = runs::Entity::find_by_id(id).one(&ctx.db).await?;
    Run::of(ctx, row.ok_or_else(no_such_run)?)
}

/// Their own runs are visible to callers who may still do the operation; runs of others, to callers who may do it to
/// all records. Runs of a deleted object are visible to callers who may change the catalog.
fn sees(ctx: &Ctx, kind: RunKind, object: Option<ObjectId>, own: bool) -> bool {
    let least = if own { RowScope::Own } else { RowScope::All };
    match object.and_then(|id| ctx.catalog.object_by_id(id)) {
        Some(object) => kind.demands().iter().all(|demand| ctx.caller.access.scope(object.id, *demand) >= least),
        None => ctx.caller.access.has(Permission::ConfigureCatalog),
    }
}

/// Refuses to undo a run for a caller who may not write everything that it wrote: undoing would write records outside
/// the row scope of their role, or fields that they may not change.
pub(super) fn demand_undo(ctx: &Ctx, run: &Run) -> Result<()> {
    let Some(object) = run.object.and_then(|id| ctx.catalog.object_by_id(id)) else { return Ok(()) };
    let refused = |why: String| Err(Error::new(Code::Forbidden, why));
    let archived = matches!(run.kind, RunKind::Archive | RunKind::Undo);
    for operation in [Operation::Update, Operation::Delete].into_iter().chain(archived.then_some(Operation::Restore)) {
        if permission::permit(ctx, object, operation)? != RowScope::All {
            return refused(format!(
                "Your role does not include all {}, so you cannot undo a run on them.",
                object.plural
            ));
        }
    }
    let written = object.fields.iter().filter(|field| field.usable() && field.writable && !field.engine_writes());
    match written.into_iter().find(|field| !permission::writes(ctx, field)) {
        Some(field) => refused(format!(
            "Your role does not allow you to change `{}` of {}, so you cannot undo a run on them.",
            field.name, object.plural
        )),
        None => Ok(()),
    }
}

fn seen(ctx: &Ctx) -> Cond {
    let mut seen = Cond::any();
    for kind in RunKind::ALL {
        let objects = |own: bool| -> Vec<ObjectId> {
            let objects = ctx.catalog.objects.iter().map(|object| object.id);
            objects.filter(|id| sees(ctx, kind, Some(*id), own)).collect()
        };
        let of_kind = |own| {
            let of_objects = runs::Column::ObjectId.is_in(objects(own));
            Cond::all().add(runs::Column::Kind.eq(kind.name())).add(of_objects)
        };
        let by_me = runs::Column::CreatedBy.eq(ctx.caller.actor.stored());
        seen = seen.add(of_kind(false)).add(of_kind(true).add(by_me));
    }
    if sees(ctx, RunKind::Import, None, false) {
        let known = ctx.catalog.objects.iter().map(|object| object.id);
        seen = seen.add(runs::Column::ObjectId.is_null()).add(runs::Column::ObjectId.is_not_in(known));
    }
    seen
}

fn no_such_run() -> Error {
    Error::new(Code::NotFound, "There is no such run.")
}
