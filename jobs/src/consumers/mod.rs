//! What follows the feed of changes: search, webhooks, automations. Each has a place in the feed of every tenant and is
//! given what comes after it, in the order of commits, in batches, at least once. Every commit leaves one job, which finds
//! the consumers that are behind; each of those has a queue of its own, so that none holds up another.

mod cursor;
mod follow;
mod lag;
mod tell;

use std::sync::Arc;

use follow::{Follow, Follower};
use lag::Lags;
use records::{Ctx, engine::Diff, rules::RuleSet};
use tell::Teller;
use tenants::{Access, Actor, Caller, Clock, Origin, Registry, TenantDb, error::Result, work::NewWork};

use crate::Registered;

/// Follows the feed.
#[async_trait::async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name, which stands in its place in every tenant's space and is that of its queue: `feed.search`. It is never
    /// changed after a release.
    const NAME: &'static str;

    /// Whether it wants a change. The values of new records are not there yet.
    fn wants(&self, diff: &Diff) -> bool;

    /// Takes changes that it wants, of at least one commit or a part of one. After a crash or a failure the same ones come
    /// again. What it writes through this context is refused once another process has taken over.
    ///
    /// # Errors
    /// Any error: the changes come again, after a pause that doubles.
    async fn consume(&self, ctx: &Ctx, diffs: Vec<Diff>) -> Result<()>;

    /// Makes what it needs of the records as they are, because it is new, or because changes that it has not seen are no
    /// longer kept. A step takes about a second; it is called until it answers `Done`. What is committed meanwhile comes
    /// afterwards.
    ///
    /// # Errors
    /// Any error: it is called again, after a pause that doubles.
    async fn rebuild(&self, ctx: &Ctx) -> Result<Rebuild>;
}

/// How far a consumer is with the records as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// There is more to do.
    More,
    /// It has all it needs.
    Done,
}

/// The consumers of a process.
#[derive(Clone, Default)]
pub struct Consumers(Vec<Listed>);

#[derive(Clone)]
struct Listed {
    name: &'static str,
    /// The job that gives it what it has not seen.
    work: fn(i64) -> Result<NewWork>,
    handler: fn(Arc<dyn std::any::Any + Send + Sync>, Surroundings) -> Option<Registered>,
    consumer: Arc<dyn std::any::Any + Send + Sync>,
}

/// What consumers are called with.
#[derive(Clone)]
struct Surroundings {
    rules: Arc<RuleSet>,
    clock: Clock,
    lags: Arc<Lags>,
}

impl Consumers {
    /// With one more.
    #[must_use]
    pub fn with<C: Consumer>(mut self, consumer: C) -> Self {
        self.0.push(Listed {
            name: C::NAME,
            work: |due| NewWork::of(&Follow::<C>::default(), due),
            handler: |consumer, with| {
                let consumer = consumer.downcast::<C>().ok()?;
                Some(Registered::new(Arc::new(Follower { consumer, with })))
            },
            consumer: Arc::new(consumer),
        });
        self
    }

    /// Has every commit of these tenants ask for work, if anybody follows.
    pub fn follow(&self, registry: &Registry) {
        if !self.0.is_empty() {
            registry.tickets().follow_commits();
        }
    }

    /// The handlers of their jobs.
    pub fn handlers(&self, rules: &Arc<RuleSet>, clock: &Clock) -> Vec<Registered> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let with = Surroundings { rules: Arc::clone(rules), clock: clock.clone(), lags: Arc::default() };
        let followers = self.0.iter().filter_map(|listed| (listed.handler)(Arc::clone(&listed.consumer), with.clone()));
        let mut handlers: Vec<Registered> = followers.collect();
        handlers.push(Registered::new(Arc::new(Teller { consumers: self.clone(), with })));
        handlers
    }
}

impl Surroundings {
    /// The system as caller, in the space of an attempt.
    async fn ctx(&self, db: &TenantDb, consumer: &str) -> Result<Ctx> {
        let caller = Caller {
            tenant: db.tenant(),
            actor: Actor::System,
            origin: Origin::Job,
            access: Arc::new(Access::All),
            locale: db.settings().language.clone(),
            clock: self.clock.clone(),
            request: consumer.to_owned(),
            run: None,
            client: None,
            points_per_second: None,
        };
        Ctx::open(Arc::new(caller), db.clone(), Arc::clone(&self.rules)).await
    }
}
