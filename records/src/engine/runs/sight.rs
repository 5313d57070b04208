//! Who may see a run, stop it and take it back: whoever may do to its object what it does. To others it does not exist.

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
    /// What it takes to do such a run.
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

/// A run as it is now, if the caller may see it.
///
/// # Errors
/// `NOT_FOUND`, in the same words for one that is not there and one that may not be seen.
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

/// The runs that the caller may see, newest first, at most 200; `after` is the last one seen.
///
/// # Errors
/// When the database does not answer.
pub async fn list(ctx: &Ctx, first: u64, after: Option<RunId>) -> Result<Vec<Run>> {
    // which runs are seen is said by objects: by all there are now
    verify(ctx).await?;
    let mut query = runs::Entity::find().filter(seen(ctx)).order_by_desc(runs::Column::Id).limit(Ord::min(first, 200));
    if let Some(after) = after {
        query = query.filter(runs::Column::Id.lt(after));
    }
    query.all(&ctx.db).await?.into_iter().map(|row| Run::of(ctx, row)).collect()
}

/// A run, whoever asks: for those who work on it.
pub(super) async fn find(ctx: &Ctx, id: RunId) -> Result<Run> {
    let row = runs::Entity::find_by_id(id).one(&ctx.db).await?;
    Run::of(ctx, row.ok_or_else(no_such_run)?)
}

/// One's own runs are seen by who may still do the like; those of others, by who may do it to all records. What is left
/// of an object that is gone is for those who may change the catalog.
fn sees(ctx: &Ctx, kind: RunKind, object: Option<ObjectId>, own: bool) -> bool {
    let least = if own { RowScope::Own } else { RowScope::All };
    match object.and_then(|id| ctx.catalog.object_by_id(id)) {
        Some(object) => kind.demands().iter().all(|demand| ctx.caller.access.scope(object.id, *demand) >= least),
        None => ctx.caller.access.has(Permission::ConfigureCatalog),
    }
}

/// Refuses to take a run back for one who may not write everything that it wrote: records that a role does not reach,
/// or fields that it does not change, would be written all the same.
pub(super) fn demand_undo(ctx: &Ctx, run: &Run) -> Result<()> {
    let Some(object) = run.object.and_then(|id| ctx.catalog.object_by_id(id)) else { return Ok(()) };
    let refused = |why: String| Err(Error::new(Code::Forbidden, why));
    let archived = matches!(run.kind, RunKind::Archive | RunKind::Undo);
    for operation in [Operation::Update, Operation::Delete].into_iter().chain(archived.then_some(Operation::Restore)) {
        if permission::permit(ctx, object, operation)? != RowScope::All {
            return refused(format!(
                "Your role does not reach all {}, so it takes no run on them back.",
                object.plural
            ));
        }
    }
    let written = object.fields.iter().filter(|field| field.usable() && field.writable && !field.engine_writes());
    match written.into_iter().find(|field| !permission::writes(ctx, field)) {
        Some(field) => refused(format!(
            "Your role does not change `{}` of {}, so it takes no run on them back.",
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
