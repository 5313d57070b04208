//! Counts the open connections of `graphql-transport-ws`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The open connections.
#[derive(Clone, Default)]
pub struct Sockets(Arc<AtomicU64>);

/// Counts one connection until it is dropped.
pub struct Open(Sockets);

impl Sockets {
    /// One more.
    pub fn open(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
