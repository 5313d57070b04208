//! Doing the work that waits in tenants' spaces: round-robin between tenants, leased by one node at a time, done at
//! least once. What belongs to no tenant (letters to people who sign up) is done likewise, from the control plane.

mod drain;
mod errands;
mod handler;
mod lease;
#[cfg(test)]
mod tests;
mod worker;

pub use errands::Errands;
pub use handler::{Handler, Job, Next};
pub use worker::{Worker, Workers};
