//! Wakes those who wait for commits. One watcher per tenant reads its clock: at once when this process wrote, and every
//! second for writes of other processes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use entities::ids::TenantId;
use records::engine;
use tenants::{TenantDb, error::Result};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

/// How often a tenant's clock is read while somebody waits.
const EVERY: Duration = Duration::from_secs(1);

/// The watched tenants.
#[derive(Default)]
pub struct Feeds(Mutex<HashMap<TenantId, Weak<Feed>>>);

/// One tenant's clock, watched as long as somebody holds this.
pub struct Feed {
    last: watch::Receiver<i64>,
    nudge: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Feeds {
    /// Watches a tenant's clock; also returns the last commit so far.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn subscribe(&self, db: &TenantDb) -> Result<(Arc<Feed>, i64)> {
        let now = engine::last_seq(db).await?;
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&db.tenant()).and_then(Weak::upgrade) {
            return Ok((feed, now));
        }
        let feed = Arc::new(Feed::start(db.clone(), now));
        feeds.retain(|_, feed| feed.strong_count() > 0);
        feeds.insert(db.tenant(), Arc::downgrade(&feed));
        Ok((feed, now))
    }

    /// Reports that this process has written.
    pub fn nudge(&self, tenant: TenantId) {
        let feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&tenant).and_then(Weak::upgrade) {
            feed.nudge.notify_one();
        }
    }
}

impl Feed {
    fn start(db: TenantDb, now: i64) -> Self {
        let (reported, last) = watch::channel(now);
        let nudge = Arc::new(Notify::new());
        let nudged = Arc::clone(&nudge);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = nudged.notified() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
                match engine::last_seq(&db).await {
                    Ok(seq) => {
                        reported.send_if_modified(|known| std::mem::replace(known, seq) != seq);
                    }
                    Err(error) => tracing::debug!("{}", error.log_line()),
                }
            }
        });
        Self { last, nudge, task: task.abort_handle() }
    }

    /// Waits until there is a commit after this one.
    pub async fn after(&self, seq: i64) {
        let mut last = self.last.clone();
        // the sender lives as long as the task, and the task as long as this
        drop(last.wait_for(|last| *last > seq).await);
    }
}
