//! Tells those who stay connected what happened, for the whole process: that a watched tenant has new commits, and that
//! somebody's access may have changed. One look a second at the control plane and at the clocks of the watched tenants
//! serves everybody who waits, so waiting costs nothing. While nobody waits, nothing is read.

mod clocks;
mod revocations;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use entities::ids::TenantId;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use crate::{
    control::Control,
    db::{Dialect, TenantDb},
    error::Result,
};

pub use clocks::ClockReading;
pub(crate) use revocations::revoked;

/// How often clocks and revocations are read while somebody waits. With the time that a look takes, news is less than a
/// second old.
const EVERY: Duration = Duration::from_millis(900);
/// Revocations kept for a connection that is slow to take them; beyond that it is checked in any case.
const UNREAD: usize = 256;

/// Somebody's access may have changed.
#[derive(Clone, Copy, Debug)]
pub struct Revocation {
    /// The person or the tenant; nothing for everybody.
    subject: Option<Uuid>,
    /// When this process learned it. What was read later is true.
    pub seen: Instant,
}

impl Revocation {
    /// Whether it concerns one of these.
    pub fn concerns(&self, ids: &[Uuid]) -> bool {
        self.subject.is_none_or(|subject| ids.contains(&subject))
    }
}

/// Reads for everybody in this process who waits.
pub struct Watcher(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    revoked: broadcast::Sender<Revocation>,
}

#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, Weak<Watched>>,
    /// Whether the loop is running.
    running: bool,
}

/// A tenant whose clock is read for as long as somebody holds this.
pub struct Watched {
    db: TenantDb,
    seq: watch::Sender<i64>,
    access: Mutex<i64>,
    /// Only one look at a time, and only one more that waits for its turn.
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicBool,
    revoked: broadcast::Sender<Revocation>,
}

impl Default for Watcher {
    fn default() -> Self {
        let shared = Shared { state: Mutex::default(), revoked: broadcast::Sender::new(UNREAD) };
        Self(Arc::new(shared))
    }
}

impl Watcher {
    /// Watches a tenant's clock and the revocations of the control plane, from now on.
    ///
    /// # Errors
    /// If a database does not answer.
    pub async fn watch(&self, db: &TenantDb) -> Result<Arc<Watched>> {
        if let Some(watched) = self.0.find(db.tenant()) {
            return Ok(watched);
        }
        let control = db.control().clone();
        let position = revocations::position(&control).await?;
        let reading = clocks::read(db).await?;
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = state.tenants.get(&db.tenant()).and_then(Weak::upgrade) {
            return Ok(watched);
        }
        let watched = Arc::new(Watched::new(db.clone(), reading, self.0.revoked.clone()));
        state.tenants.insert(db.tenant(), Arc::downgrade(&watched));
        if !std::mem::replace(&mut state.running, true) {
            tokio::spawn(run(Arc::downgrade(&self.0), control, position));
        }
        Ok(watched)
    }

    /// What happens to the access of people and programs from now on. It is complete for a tenant that is watched.
    pub fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.0.revoked.subscribe()
    }

    /// Reports that this process has written in a tenant's space: its clock is read at once.
    pub fn nudge(&self, tenant: TenantId) {
        if let Some(watched) = self.0.find(tenant) {
            watched.look();
        }
    }
}

impl Shared {
    fn find(&self, tenant: TenantId) -> Option<Arc<Watched>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tenants.get(&tenant).and_then(Weak::upgrade)
    }

    /// Everybody who is watched; `None`, and the loop ends, if nobody is.
    fn watched(&self) -> Option<Vec<Arc<Watched>>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tenants.retain(|_, watched| watched.strong_count() > 0);
        let watched: Vec<_> = state.tenants.values().filter_map(Weak::upgrade).collect();
        state.running = !watched.is_empty();
        state.running.then_some(watched)
    }
}

async fn run(shared: Weak<Shared>, control: Control, mut position: i64) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        let Some(watched) = shared.watched() else { return };
        round(&shared, &control, &mut position, &watched).await;
    }
}

/// One look for everybody.
async fn round(shared: &Shared, control: &Control, position: &mut i64, watched: &[Arc<Watched>]) {
    match revocations::since(control, *position).await {
        Ok((now, subjects)) => {
            *position = now;
            let seen = Instant::now();
            for subject in subjects {
                // nobody listens: nobody is connected
                let _ = shared.revoked.send(Revocation { subject, seen });
            }
        }
        Err(error) => tracing::debug!("{}", error.log_line()),
    }
    let (together, alone): (Vec<_>, Vec<_>) =
        watched.iter().partition(|watched| watched.db.dialect() == Dialect::Postgres);
    alone.into_iter().for_each(|watched| watched.look());
    for some in together.chunks(clocks::AT_ONCE) {
        let spaces: Vec<&TenantDb> = some.iter().map(|watched| &watched.db).collect();
        match clocks::read_together(&spaces).await {
            Ok(readings) => some.iter().zip(readings).for_each(|(watched, reading)| watched.take(reading)),
            Err(error) => {
                // one of them may be gone
                tracing::debug!("{}", error.log_line());
                some.iter().for_each(|watched| watched.look());
            }
        }
    }
}

impl Watched {
    fn new(db: TenantDb, reading: ClockReading, revoked: broadcast::Sender<Revocation>) -> Self {
        Self {
            db,
            seq: watch::Sender::new(reading.seq),
            access: Mutex::new(reading.access),
            turn: tokio::sync::Mutex::default(),
            waiting: AtomicBool::new(false),
            revoked,
        }
    }

    /// Waits until there is a commit after this one.
    pub async fn after(&self, seq: i64) {
        let mut last = self.seq.subscribe();
        // the sender lives as long as this
        drop(last.wait_for(|last| *last > seq).await);
    }

    /// Reads this tenant's clock in the background.
    fn look(self: &Arc<Self>) {
        if self.waiting.swap(true, Ordering::SeqCst) {
            return;
        }
        let watched = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = watched.turn.lock().await;
            // whoever asks from here on wants to know what this look may miss
            watched.waiting.store(false, Ordering::SeqCst);
            match clocks::read(&watched.db).await {
                Ok(reading) => watched.take(reading),
                Err(error) => tracing::debug!("{}", error.log_line()),
            }
        });
    }

    /// Tells those who wait. An older reading than the last one changes nothing.
    fn take(&self, reading: ClockReading) {
        self.seq.send_if_modified(|known| std::mem::replace(known, reading.seq.max(*known)) < reading.seq);
        let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        if *access < reading.access {
            *access = reading.access;
            let _ = self.revoked.send(Revocation { subject: Some(self.db.tenant().0), seen: Instant::now() });
        }
    }
}

#[cfg(test)]
mod tests;
