//! Writing records: one pipeline for one record, a list of them, an import or an undo.
//!
//! Permission, normalise, rules, validate, write, follow-ups of rules, totals, history, clock: all in one transaction
//! which a change of the catalog meanwhile undoes (`STALE_CATALOG`). Every function here fails as a whole; the ones that
//! keep the good rows of a batch are in [`super::bulk`].

mod archive;
mod before;
mod check;
mod combined;
mod create;
mod destroy;
mod draft;
pub(crate) mod follow_ups;
mod links;
mod numbers;
mod pairs;
#[cfg(test)]
mod tests;
mod transaction;
mod unique;
mod update;
mod upsert;
#[cfg(test)]
mod world;

pub(crate) use before::{Lock, lock};
pub(crate) use combined::{Combination, combination};
pub(crate) use draft::Source;
use entities::ids::{FieldId, ObjectId, RecordId};
pub(crate) use links::link_table;
pub(crate) use numbers::Numbers;
pub use numbers::take as take_numbers;
use tenants::error::{Code, Error, Result};
pub use transaction::WriteTransaction;
pub(crate) use unique::{MatchKey, match_key};
pub(crate) use upsert::Match;

use super::{Change, Draft, Mutation, WriteOutcome};
use crate::Ctx;

/// Records that one call may write.
pub const MAX_LIST: usize = 500;
/// How often a write begins anew that met another one half-way.
pub(crate) const ATTEMPTS: u32 = 4;

/// Creates records, all or none. With `upsert_on`, a record that already has one of these values is updated instead:
/// the fields are looked up in their order, archived records do not count, and two different hits are `AMBIGUOUS`.
///
/// # Errors
/// `VALIDATION_FAILED` with the place of each value (`data.3.email` where there are several drafts).
pub async fn create(
    ctx: &Ctx,
    object: ObjectId,
    drafts: Vec<Draft>,
    upsert_on: &[FieldId],
) -> Result<Vec<WriteOutcome>> {
    if drafts.len() > MAX_LIST {
        let message = format!("{} records at once; send at most {MAX_LIST}, or import a file.", drafts.len());
        return Err(Error::new(Code::BadRequest, message));
    }
    let mut attempt = 1;
    loop {
        match created(ctx, object, &drafts, upsert_on).await {
            // somebody else created the same record between our look and our write: now there is one to update
            Err(error) if attempt < ATTEMPTS && !upsert_on.is_empty() && raced(&error) => attempt += 1,
            Err(error) if attempt < ATTEMPTS && error.code() == Code::Busy => attempt += 1,
            other => return ctx_guard(ctx, other).await,
        }
    }
}

async fn created(ctx: &Ctx, object: ObjectId, drafts: &[Draft], upsert_on: &[FieldId]) -> Result<Vec<WriteOutcome>> {
    let numbers = Numbers::reserve(ctx, object, drafts.len()).await?;
    let mut write = WriteTransaction::begin_with(ctx, numbers).await?;
    let drafts = drafts.to_vec();
    let changes = if upsert_on.is_empty() {
        drafts.into_iter().map(|draft| Change::Create { id: RecordId::new(), draft }).collect()
    } else {
        upsert::changes(&mut write, object, drafts, upsert_on).await?
    };
    let written = write.write(changes.into_iter().map(|change| Mutation { object, change }).collect()).await?;
    write.commit().await?;
    Ok(written)
}

/// Changes a record; with a version, only if it still has it (`CONFLICT` names the one it has).
///
/// # Errors
/// `NOT_FOUND`, `CONFLICT`, `VALIDATION_FAILED`.
pub async fn update(
    ctx: &Ctx,
    object: ObjectId,
    id: RecordId,
    draft: Draft,
    version: Option<i64>,
) -> Result<WriteOutcome> {
    one(ctx, object, Change::Update { id, draft, version }).await
}

/// Hides a record from lists, totals and uniqueness.
pub async fn archive(ctx: &Ctx, object: ObjectId, id: RecordId) -> Result<WriteOutcome> {
    one(ctx, object, Change::Archive { id }).await
}

/// Shows an archived record again.
///
/// # Errors
/// `CONFLICT` naming the record that has taken a unique value meanwhile.
pub async fn restore(ctx: &Ctx, object: ObjectId, id: RecordId) -> Result<WriteOutcome> {
    one(ctx, object, Change::Restore { id }).await
}

/// Really removes a record, and does to those that point at it what their relations say.
///
/// # Errors
/// `CONFLICT` where a relation restricts it.
pub async fn destroy(ctx: &Ctx, object: ObjectId, id: RecordId) -> Result<WriteOutcome> {
    one(ctx, object, Change::Destroy { id }).await
}

async fn one(ctx: &Ctx, object: ObjectId, change: Change) -> Result<WriteOutcome> {
    let written = apply(ctx, vec![Mutation { object, change }]).await?;
    written.into_iter().next().ok_or_else(|| Error::internal("a mutation was not answered"))
}

/// Does several things in their order, all or none.
///
/// # Errors
/// As the single ones; several mutations name the place by position (`data.3.email`).
pub async fn apply(ctx: &Ctx, mutations: Vec<Mutation>) -> Result<Vec<WriteOutcome>> {
    let mut attempt = 1;
    loop {
        match applied(ctx, mutations.clone()).await {
            Err(error) if attempt < ATTEMPTS && error.code() == Code::Busy => attempt += 1,
            other => return ctx_guard(ctx, other).await,
        }
    }
}

async fn applied(ctx: &Ctx, mutations: Vec<Mutation>) -> Result<Vec<WriteOutcome>> {
    let numbers = Numbers::for_mutations(ctx, &mutations).await?;
    let mut write = WriteTransaction::begin_with(ctx, numbers).await?;
    let written = write.write(mutations).await?;
    write.commit().await?;
    Ok(written)
}

/// A refusal is told only if it was judged by the catalog that holds: otherwise the request is to be planned again. So
/// is a failure of ours, which may be a column that is gone.
pub(crate) async fn ctx_guard<T>(ctx: &Ctx, result: Result<T>) -> Result<T> {
    use tenants::Kind::{Conflict, Internal, Invalid, NotFound};
    match result {
        Err(error) if matches!(error.code().kind(), Invalid | NotFound | Conflict | Internal) => {
            match super::commit::catalog_version(&ctx.db).await {
                Ok(version) if version != ctx.catalog.version => Err(Error::of(Code::StaleCatalog)),
                _ => Err(error),
            }
        }
        other => other,
    }
}

/// Whether the refusal is a value taken by a record that was not there when we looked.
fn raced(error: &Error) -> bool {
    error.fields().iter().any(|issue| matches!(issue.issue, tenants::Issue::Taken(_)))
}
