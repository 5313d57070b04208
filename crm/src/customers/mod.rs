//! The people and companies that an organisation knows. Everything else refers to them.

mod model;
pub(crate) mod rules;
mod samples;

use entities::ids::RunId;
use records::{
    Ctx,
    engine::{
        self, BatchMode, BatchRow, OnDuplicate, RowOutcome, RowResult,
        runs::{self, ContinueRun, NewRun, RunKind},
    },
};
use sea_orm::TransactionSession;
use serde::Serialize;
use serde_json::json;
use tenants::{
    error::{Code, Error, Result},
    work::{self, NewWork},
};

use crate::StandardObject;

/// The standard object `customer`.
pub const OBJECT: StandardObject = StandardObject {
    name: "customer",
    declaration: model::object,
    rules: Some(|| std::sync::Arc::new(rules::CustomerRules)),
    operations: None,
};

/// When a worker looks whether the process that makes the customers is still there, in microseconds.
const LATER: i64 = 120_000_000;
/// Customers written in one transaction.
const BATCH: u64 = 1_000;

/// The result of creating test customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestCustomers {
    /// The run, which can be undone.
    pub run_id: Option<entities::ids::RunId>,
    /// Number of new customers.
    pub created: u64,
    /// Number of customers that an earlier call with this seed has created.
    pub skipped: u64,
}

/// Creates the first `count` invented customers of a seed; existing ones are left alone. It is a run, so it can be
/// undone.
///
/// # Errors
/// `FORBIDDEN`; if the database does not answer.
pub async fn create_test_customers(ctx: &Ctx, count: u64, seed: u64) -> Result<TestCustomers> {
    let params = json!({ "count": count, "seed": seed });
    let object = ctx.catalog.object("customer").ok_or_else(|| Error::of(Code::NotFound))?.id;
    let new = NewRun { kind: RunKind::Samples, object: Some(object), params, progress: json!({}) };
    let run = begin(ctx, new).await?;
    let run = runs::claim(ctx, run.id).await?.ok_or_else(|| Error::of(Code::Conflict))?;
    let mut made = TestCustomers { run_id: Some(run.id), ..TestCustomers::default() };
    let mut ctx = ctx.clone();
    let mut from = 0;
    while from < count {
        let to = count.min(from + BATCH);
        match batch(&ctx, &run, seed, from..to, &mut made).await {
            Err(error) if error.code() == Code::StaleCatalog => ctx = ctx.refreshed().await?,
            Err(error) => {
                runs::finish(&ctx, &run, Some(error.message().to_owned())).await?;
                return Err(error);
            }
            Ok(()) => from = to,
        }
    }
    runs::finish(&ctx, &run, None).await?;
    Ok(made)
}

/// Makes the run, and has the workers end it if this process dies in the middle.
async fn begin(ctx: &Ctx, new: NewRun) -> Result<runs::Run> {
    let (inside, tx) = ctx.begin_write().await?;
    let run = runs::create_as(&inside, &tx, RunId::new(), new).await?;
    let work = NewWork::of(&ContinueRun { run: run.id }, run.created_at + LATER)?;
    work::enqueue(&ctx.db, &tx, work, run.created_at).await?;
    tx.commit().await?;
    Ok(run)
}

async fn batch(
    ctx: &Ctx,
    run: &runs::Run,
    seed: u64,
    numbers: std::ops::Range<u64>,
    made: &mut TestCustomers,
) -> Result<()> {
    let object = ctx.catalog.object("customer").ok_or_else(|| Error::of(Code::NotFound))?;
    let external: Vec<_> = object.standard("externalId").into_iter().map(|field| field.id).collect();
    let mode = BatchMode { match_on: external, on_duplicate: OnDuplicate::Skip, dry_run: false };
    let done = numbers.end;
    let rows = numbers.map(|number| BatchRow { line: number, draft: samples::sample(object, seed, number) });
    let mut progress = |_: &[RowOutcome]| Ok(json!({ "done": done }));
    for outcome in engine::write_batch(ctx, run, object.id, rows.collect(), &mode, &mut progress).await? {
        match outcome.result {
            RowResult::Created(_) => made.created += 1,
            RowResult::Failed(issues) => return Err(Error::invalid(issues)),
            _ => made.skipped += 1,
        }
    }
    Ok(())
}
