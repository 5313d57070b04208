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

/// Reseals; returns false if time ran out before all rows were done. For files, it returns how many are being written.
///
/// # Errors
/// If a database does not answer, or a value cannot be unsealed.
pub async fn reseal(ctx: &Ctx, until: Instant) -> Result<(bool, usize)> {
    let rows = rotation::reseal_space(&ctx.db, until).await? && records::reseal(&ctx.db, until).await?;
    let files = if rows { crm::import::reseal(ctx).await? } else { 0 };
    Ok((rows, files))
}

/// The job that a rotation queues. Files that are being written are checked again when the key is retired.
pub struct Resealer(pub App);

#[async_trait::async_trait]
impl Handler for Resealer {
    type Job = Reseal;

    async fn run(&self, _: Reseal, attempt: &Attempt) -> Result<Next> {
        let ctx = workers::ctx(&self.0, attempt, "reseal".to_owned()).await?.refreshed().await?;
        let (rows, _) = reseal(&ctx, Instant::now() + SLICE).await?;
        Ok(if rows { Next::Done } else { Next::Continue })
    }
}
