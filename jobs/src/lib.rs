//! Doing the work that waits in tenants' spaces: round-robin between tenants, leased by one node at a time, done at
//! least once. What belongs to no tenant (emails to people who sign up) is done likewise, from the control plane.

pub mod consumers;
mod drain;
pub mod failed;
mod handler;
mod item;
mod lease;
pub mod measures;
pub mod schedules;
mod slots;
mod system_jobs;
#[cfg(test)]
mod tests;
mod worker;

pub use handler::{Attempt, Handler, Next, Registered};
pub use system_jobs::SystemJobs;
pub use worker::{Worker, Workers};
