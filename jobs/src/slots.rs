//! How much a process does at the same time, and of what: so that long jobs leave room for short ones, and one tenant
//! for the others, even one whose space does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entities::ids::TenantId;
use tenants::work::{Pace, Queue};
use tokio::sync::{Notify, futures::Notified};

use crate::Registered;

/// Turns of this process.
pub(crate) struct Slots {
    /// Most turns of long jobs. There is one turn more, for short jobs alone.
    workers: usize,
    running: Mutex<Vec<Held>>,
    freed: Notify,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Held {
    tenant: TenantId,
    queue: &'static str,
    pace: Pace,
}

/// What may be begun of one pace.
pub(crate) struct Room {
    /// The queues that may have another turn.
    pub queues: Vec<&'static str>,
    /// The tenants that have enough turns.
    pub busy: Vec<TenantId>,
}

/// A turn that has begun; its slot is free again when it is dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    held: Held,
}

impl Slots {
    pub fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self { workers, running: Mutex::default(), freed: Notify::new() })
    }

    /// Resolves when a turn ends from now on.
    pub fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Which turns may begin.
    pub fn room(&self, handlers: &[Registered]) -> Vec<Room> {
        let running = self.running();
        if running.len() > self.workers {
            return Vec::new();
        }
        [(Pace::Short, self.workers + 1), (Pace::Long, self.workers)]
            .into_iter()
            .map(|(pace, most)| room(&running, handlers, pace, most))
            .collect()
    }

    /// Begins a turn.
    pub fn begin(self: &Arc<Self>, tenant: TenantId, queue: &Queue) -> Slot {
        let held = Held { tenant, queue: queue.name, pace: queue.pace };
        self.running().push(held);
        Slot { slots: Arc::clone(self), held }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Held>> {
        // the list is right whoever panicked
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room for jobs of a pace. Short ones may have all turns, and a tenant never has the last one.
fn room(running: &[Held], handlers: &[Registered], pace: Pace, most: usize) -> Room {
    let counted: Vec<&Held> = running.iter().filter(|held| pace == Pace::Short || held.pace == Pace::Long).collect();
    let of = |tenant: TenantId| counted.iter().filter(|held| held.tenant == tenant).count();
    let fits = |queue: &&Queue| {
        queue.pace == pace && running.iter().filter(|held| held.queue == queue.name).count() < queue.per_node
    };
    let queues = handlers.iter().map(Registered::queue).filter(fits).map(|queue| queue.name);
    let share = most.saturating_sub(1).max(1);
    Room {
        queues: if counted.len() < most { queues.collect() } else { Vec::new() },
        busy: counted.iter().map(|held| held.tenant).filter(|tenant| of(*tenant) >= share).collect(),
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.slots.running();
        if let Some(at) = running.iter().position(|held| *held == self.held) {
            running.swap_remove(at);
        }
        drop(running);
        self.slots.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
