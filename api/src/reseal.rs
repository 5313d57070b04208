//! Reseals an organisation's data that is under older data keys, on every layer.

use std::time::{Duration, Instant};

use jobs::{Attempt, Handler, Next};
use records::Ctx;
use tenants::{
    error::Result,
    rotation::{self, Reseal},
};

use crate::{app::App, workers};

/// How long a worker goes on before it serves other organisations.
const SLICE: Duration = Duration::from_secs(1);

/// Reseals; returns false if time ran out before all rows were done.
///
/// # Errors
/// If a database does not answer, or a value cannot be unsealed.
pub async fn reseal(ctx: &Ctx, until: Instant) -> Result<bool> {
    let rows = rotation::reseal_space(&ctx.db, until).await? && records::reseal(&ctx.db, until).await?;
    if rows {
        crm::import::reseal(ctx).await?;
    }
    Ok(rows)
}

/// The job that a rotation asks for.
pub struct Resealer(pub App);

#[async_trait::async_trait]
impl Handler for Resealer {
    type Job = Reseal;

    async fn run(&self, _: Reseal, attempt: &Attempt) -> Result<Next> {
        let ctx = workers::ctx(&self.0, attempt, "reseal".to_owned()).await?.refreshed().await?;
        let rows = reseal(&ctx, Instant::now() + SLICE).await?;
        Ok(if rows { Next::Done } else { Next::Continue })
    }
}
