//! The sweep after an upgrade: tenants that nobody uses are migrated to the new release too, a few at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use tenants::Registry;

/// Tenants migrated at the same time.
const AT_ONCE: usize = 2;

/// The progress of the sweep.
#[derive(Default)]
pub struct Upgrade {
    behind: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Upgrade {
    /// Starts the sweep of this process. It ends with the process; the remaining tenants are migrated at their first
    /// use.
    pub fn start(&self, registry: Arc<Registry>) {
        tokio::spawn(run(registry, Arc::clone(&self.behind), Arc::clone(&self.failed)));
    }

    /// Tenants that wait for this release.
    pub fn behind(&self) -> usize {
        self.behind.load(Ordering::Relaxed)
    }

    /// Tenants that could not be migrated; the log says why.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }
}

async fn run(registry: Arc<Registry>, behind: Arc<AtomicUsize>, failed: Arc<AtomicUsize>) {
    if let Err(error) = registry.sweep().await {
        tracing::warn!(error = error.log_line(), "unfinished tenants could not be removed");
    }
    let waiting = match registry.behind().await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(error = error.log_line(), "tenants that wait for this release could not be listed");
            return;
        }
    };
    behind.store(waiting.len(), Ordering::Relaxed);
    stream::iter(waiting)
        .for_each_concurrent(AT_ONCE, |tenant| {
            let (registry, behind, failed) = (Arc::clone(&registry), Arc::clone(&behind), Arc::clone(&failed));
            async move {
                if registry.space(tenant.id).await.is_err() {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                behind.fetch_sub(1, Ordering::Relaxed);
            }
        })
        .await;
}
