//! Doing the work that waits in tenants' spaces: round-robin between tenants, leased by one node at a time, done at
//! least once.

mod drain;
mod handler;
mod lease;
#[cfg(test)]
mod tests;
mod worker;

pub use handler::{Handler, Job, Next};
pub use worker::{Worker, Workers};
