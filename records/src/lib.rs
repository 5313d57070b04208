//! The catalog of objects and fields, and the one engine that reads and writes their records.

pub mod calendar;
pub mod catalog;
mod columns;
pub mod ctx;
pub mod engine;
pub mod filter;
#[cfg(test)]
mod fixture;
pub mod fold;
pub mod invitations;
pub mod members;
pub mod operations;
pub mod permission;
mod reseal;
pub mod roles;
pub mod rules;
mod sealing;
pub mod sign_on;
pub mod sql;
pub mod values;

pub use ctx::Ctx;
pub use reseal::reseal;
