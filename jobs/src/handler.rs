//! The port through which the crates above do their work.

use tenants::{TenantDb, error::Result};

/// Does the work of one queue.
#[async_trait::async_trait]
pub trait Handler: Send + Sync {
    /// The queue's name.
    fn queue(&self) -> &'static str;

    /// Does one item, or a slice of it that takes about a second. The same item may come again after a crash, so what
    /// it does must be safe to repeat. An error whose kind is retryable is tried again later; others are given up.
    async fn run(&self, job: &Job) -> Result<Next>;
}

/// One item of work.
#[derive(Clone, Debug)]
pub struct Job {
    /// The tenant's space.
    pub db: TenantDb,
    /// What was enqueued.
    pub payload: serde_json::Value,
    /// How often it was tried before.
    pub attempts: i32,
}

/// What comes after a slice of work.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing: the item is done.
    Done,
    /// More of the same, when the other items of the queue and the other tenants had their turn.
    Continue,
    /// Nothing can be done before this instant, microseconds UTC: somebody else is at it, say. It counts as no attempt.
    At(i64),
}
