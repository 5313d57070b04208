//! The port through which the crates above do their work.

use std::sync::Arc;

use entities::ids::WorkId;
use tenants::{
    TenantDb,
    error::{Error, Result},
    work::{Job, Queue},
};

/// Does the jobs of one kind.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What it does.
    type Job: Job;

    /// Does a job, or a step of it that takes about a second. The same job may come again after a crash, so what it
    /// does must be safe to repeat. What it writes through the space of the attempt is refused once another process has
    /// taken the job over. An error whose kind is retryable is tried again later; a job with another one is given up.
    async fn run(&self, job: Self::Job, attempt: &Attempt) -> Result<Next>;

    /// Tells whoever waits for the job that it is given up.
    async fn given_up(&self, _job: Self::Job, _attempt: &Attempt, _why: &Error) -> Result<()> {
        Ok(())
    }
}

/// One attempt to do a job.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The job: the same at every attempt.
    pub id: WorkId,
    /// The tenant's space, fenced for this attempt.
    pub db: TenantDb,
    /// Somebody asked for it after the job had been given up.
    pub by_hand: bool,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the job is done.
    Done,
    /// More of the same, when the others in the queue had their turn.
    Continue,
    /// It is looked at again at this instant, microseconds UTC. Waiting is no failure.
    At(i64),
}

/// A handler with its queue, for workers that know nothing of its jobs.
#[derive(Clone)]
pub struct Registered(Arc<dyn Untyped>);

impl Registered {
    /// Takes a handler up.
    pub fn new<H: Handler>(handler: Arc<H>) -> Self {
        Self(Arc::new(Typed(handler)))
    }

    /// The settings of its queue.
    pub fn queue(&self) -> &'static Queue {
        self.0.queue()
    }

    pub(crate) async fn run(&self, payload: serde_json::Value, attempt: &Attempt) -> Result<Next> {
        self.0.run(payload, attempt).await
    }

    pub(crate) async fn given_up(&self, payload: serde_json::Value, attempt: &Attempt, why: &Error) -> Result<()> {
        self.0.given_up(payload, attempt, why).await
    }
}

#[async_trait::async_trait]
trait Untyped: Send + Sync {
    fn queue(&self) -> &'static Queue;
    async fn run(&self, payload: serde_json::Value, attempt: &Attempt) -> Result<Next>;
    async fn given_up(&self, payload: serde_json::Value, attempt: &Attempt, why: &Error) -> Result<()>;
}

struct Typed<H>(Arc<H>);

#[async_trait::async_trait]
impl<H: Handler> Untyped for Typed<H> {
    fn queue(&self) -> &'static Queue {
        &H::Job::QUEUE
    }

    async fn run(&self, payload: serde_json::Value, attempt: &Attempt) -> Result<Next> {
        self.0.run(job::<H>(payload)?, attempt).await
    }

    async fn given_up(&self, payload: serde_json::Value, attempt: &Attempt, why: &Error) -> Result<()> {
        self.0.given_up(job::<H>(payload)?, attempt, why).await
    }
}

fn job<H: Handler>(payload: serde_json::Value) -> Result<H::Job> {
    serde_json::from_value(payload).map_err(Error::internal)
}
