//! Background work that was given up.

use entities::ids::WorkId;
use jobs::failed::{self, FailedJob};
use records::{
    Ctx,
    engine::MAX_PAGE,
    operations::{Entry, Given, Module, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Permission,
    error::{Code, Error, Result},
};

use crate::graphql::execute::{DEFAULT_PAGE, first, instant};

/// The operations of failed jobs.
pub fn module() -> Module {
    let manage = Permit::Named(Permission::ManageJobs);
    Module {
        declared: include_str!("jobs.graphql"),
        entries: vec![
            Entry::new("failedJobs", list).permit(manage),
            Entry::new("retryJob", retry).permit(manage),
            Entry::new("discardJob", discard).permit(manage),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct List {
    first: Option<i64>,
    after: Option<Given<WorkId>>,
}

#[derive(Deserialize)]
struct ById {
    id: Given<WorkId>,
}

async fn list(ctx: Ctx, args: List) -> Result<Vec<Json>> {
    let first = first(args.first, DEFAULT_PAGE, MAX_PAGE)?;
    let after = args.after.map(|id| id.id().ok_or_else(|| Error::of(Code::BadCursor))).transpose()?;
    let found = failed::list(&ctx.db, &ctx.caller, first.into(), after).await?;
    Ok(found.iter().map(failed_job_to_json).collect())
}

async fn retry(ctx: Ctx, args: ById) -> Result<bool> {
    failed::retry(&ctx.db, &ctx.caller, args.id.needed("failed job")?).await?;
    Ok(true)
}

async fn discard(ctx: Ctx, args: ById) -> Result<bool> {
    failed::discard(&ctx.db, &ctx.caller, args.id.needed("failed job")?).await?;
    Ok(true)
}

/// A failed job as answers and the command line show it.
pub fn failed_job_to_json(job: &FailedJob) -> Json {
    json!({
        "id": job.id,
        "queue": job.queue,
        "attempts": job.attempts,
        "error": job.error,
        "failedAt": instant(job.failed_at),
        "createdAt": instant(job.created_at),
        "subject": job.subject,
    })
}
