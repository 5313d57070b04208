//! Doing the work that waits in tenants' spaces: round-robin between tenants, leased by one node at a time, done at
//! least once. What belongs to no tenant (emails to people who sign up) is done likewise, from the control plane.

mod drain;
mod handler;
mod lease;
mod system_jobs;
#[cfg(test)]
mod tests;
mod worker;

pub use handler::{Handler, Job, Next};
pub use system_jobs::SystemJobs;
pub use worker::{Worker, Workers};
