//! What is under older data keys of an organisation, on whichever layer it is kept, is sealed anew.

use std::time::{Duration, Instant};

use jobs::{Handler, Job, Next};
use records::Ctx;
use tenants::{error::Result, rotation};

use crate::{app::App, workers};

/// How long a worker goes on before other organisations have their turn.
const SLICE: Duration = Duration::from_secs(1);

/// Seals anew; false when time ran out before all rows were. Of files, it answers how many somebody is just writing.
///
/// # Errors
/// When a database does not answer, or something cannot be opened.
pub async fn reseal(ctx: &Ctx, until: Instant) -> Result<(bool, usize)> {
    let rows = rotation::reseal_space(&ctx.db, until).await? && records::reseal(&ctx.db, until).await?;
    let files = if rows { crm::import::reseal(ctx).await? } else { 0 };
    Ok((rows, files))
}

/// The job that a rotation asks for. Files that were being written are looked at again by those who retire the key.
pub struct Reseal(pub App);

#[async_trait::async_trait]
impl Handler for Reseal {
    fn queue(&self) -> &'static str {
        rotation::QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let ctx = workers::ctx(&self.0, job, "reseal".to_owned()).await?.refreshed().await?;
        let (rows, _) = reseal(&ctx, Instant::now() + SLICE).await?;
        Ok(if rows { Next::Done } else { Next::Continue })
    }
}
