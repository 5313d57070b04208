//! Gives a consumer what it has not seen.

use std::{
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

use records::{
    Ctx,
    engine::{self, Place},
};
use serde::{Deserialize, Serialize};
use tenants::{
    error::{Code, Error, Result},
    work::{Job, Queue, Retry},
};

use super::{Consumer, Rebuild, Surroundings, cursor};
use crate::{Attempt, Handler, Next};

/// Changes that are looked at for one batch.
const BATCH: u32 = 500;
/// How long a consumer goes on before others have their turn.
const SLICE: Duration = Duration::from_secs(1);

/// A consumer has not seen all commits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Follow<C> {
    #[serde(skip)]
    consumer: PhantomData<fn() -> C>,
}

impl<C> Default for Follow<C> {
    fn default() -> Self {
        Self { consumer: PhantomData }
    }
}

impl<C: Consumer> Job for Follow<C> {
    const QUEUE: Queue = Queue {
        // it cannot skip what it does not take
        retry: Retry { attempts: i32::MAX, first: Duration::from_secs(1), longest: Duration::from_secs(3_600) },
        ..Queue::long(C::NAME)
    };

    fn key(&self) -> Option<String> {
        Some("follow".to_owned())
    }
}

pub(super) struct Follower<C> {
    pub consumer: Arc<C>,
    pub with: Surroundings,
}

#[async_trait::async_trait]
impl<C: Consumer> Handler for Follower<C> {
    type Job = Follow<C>;

    async fn run(&self, _: Follow<C>, attempt: &Attempt) -> Result<Next> {
        let started = Instant::now();
        let mut ctx = self.with.ctx(&attempt.db, C::NAME).await?;
        while started.elapsed() < SLICE {
            match self.step(&ctx).await {
                Ok(Step::More) => {}
                Ok(Step::Others) => return Ok(Next::Continue),
                Ok(Step::UpToDate) => return Ok(Next::Done),
                Err(error) if error.code() == Code::StaleCatalog => ctx = ctx.refreshed().await?,
                Err(error) if error.code() == Code::FeedExpired => self.restart(&ctx).await?,
                Err(error) => {
                    metrics::counter!("clientele_consumer_failures_total", "consumer" => C::NAME).increment(1);
                    // whatever it is, it may be over the next time, and nothing else helps
                    return Err(Error::of(Code::Unavailable).caused_by(error.log_line()));
                }
            }
        }
        Ok(Next::Continue)
    }
}

enum Step {
    /// It is not up to date yet.
    More,
    /// The same, and others shall have their turn.
    Others,
    UpToDate,
}

impl<C: Consumer> Follower<C> {
    async fn step(&self, ctx: &Ctx) -> Result<Step> {
        let Some(row) = cursor::load(&ctx.db, C::NAME).await? else {
            self.restart(ctx).await?;
            return Ok(Step::More);
        };
        let from = cursor::place(&row);
        if row.rebuilding {
            if self.consumer.rebuild(ctx).await? == Rebuild::More {
                return Ok(Step::Others);
            }
            self.advance(ctx, from).await?;
            return Ok(Step::More);
        }
        let part = engine::diffs(ctx, from, BATCH, &|diff| self.consumer.wants(diff)).await?;
        if !part.diffs.is_empty() {
            self.consumer.consume(ctx, part.diffs).await?;
        }
        if part.next != from {
            self.advance(ctx, part.next).await?;
        }
        self.with.lags.set(C::NAME, ctx.db.tenant(), part.left);
        Ok(if part.left == 0 { Step::UpToDate } else { Step::More })
    }

    /// Begins with the records as they are; what is committed from here on comes later.
    async fn restart(&self, ctx: &Ctx) -> Result<()> {
        let from = Place::after(engine::last_seq(&ctx.db).await?);
        tracing::info!(tenant.id = %ctx.db.tenant(), consumer = C::NAME, "a consumer begins with the records as they are");
        cursor::restart(&ctx.db, C::NAME, from, ctx.caller.clock.micros()).await
    }

    async fn advance(&self, ctx: &Ctx, to: Place) -> Result<()> {
        cursor::advance(&ctx.db, C::NAME, to, ctx.caller.clock.micros()).await
    }
}
