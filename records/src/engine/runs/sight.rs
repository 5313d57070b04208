//! Who may see a run, stop it and take it back: whoever may do to its object what it does. To others it does not exist.

use entities::{
    ids::{ObjectId, RunId},
    tenant::runs,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Cond};
use tenants::{
    Operation,
    error::{Code, Error, Result},
};

use super::{Run, RunKind};
use crate::{Ctx, engine::verify};

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
    match permit(ctx, run.kind, run.object) {
        Ok(()) => Ok(run),
        Err(error) if error.code() == Code::Forbidden => Err(no_such_run()),
        Err(error) => Err(error),
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
    query.all(&ctx.db).await?.into_iter().map(Run::of).collect()
}

/// A run, whoever asks: for those who work on it.
pub(super) async fn find(ctx: &Ctx, id: RunId) -> Result<Run> {
    let row = runs::Entity::find_by_id(id).one(&ctx.db).await?;
    Run::of(row.ok_or_else(no_such_run)?)
}

/// What is left of an object that is gone is for those who may change the catalog.
fn permit(ctx: &Ctx, kind: RunKind, object: Option<ObjectId>) -> Result<()> {
    match object.and_then(|id| ctx.catalog.object_by_id(id)) {
        Some(object) => kind.demands().iter().try_for_each(|demand| ctx.caller.permit(&object.name, *demand)),
        None => ctx.caller.permit("", Operation::Configure),
    }
}

fn seen(ctx: &Ctx) -> Cond {
    let mut seen = Cond::any();
    for kind in RunKind::ALL {
        let objects = ctx.catalog.objects.iter().map(|object| object.id);
        let objects: Vec<ObjectId> = objects.filter(|id| permit(ctx, kind, Some(*id)).is_ok()).collect();
        let of_kind = Cond::all().add(runs::Column::Kind.eq(kind.name())).add(runs::Column::ObjectId.is_in(objects));
        seen = seen.add(of_kind);
    }
    if permit(ctx, RunKind::Import, None).is_ok() {
        let known = ctx.catalog.objects.iter().map(|object| object.id);
        seen = seen.add(runs::Column::ObjectId.is_null()).add(runs::Column::ObjectId.is_not_in(known));
    }
    seen
}

fn no_such_run() -> Error {
    Error::new(Code::NotFound, "There is no such run.")
}
