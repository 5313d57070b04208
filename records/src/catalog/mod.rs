//! What an organisation's data looks like, and how admins change it.
//!
//! A catalog is read as an immutable snapshot ([`current`], [`reload`]). It changes by operations, each one
//! transaction that changes tables and rows of the catalog together and counts its version up.

mod build;
mod cache;
mod checks;
mod create;
pub mod ddl;
mod edit;
mod fill;
mod lookup;
mod model;
mod names;
mod provision;
mod relations;
mod rollups;
pub mod spec;
mod store;
mod system;

pub use cache::{cache_bytes, current, forget, reload};
pub use create::{CUSTOM_OBJECTS, FIELDS, ROLLUPS};
pub use edit::BUILD_QUEUE;
pub use model::*;
pub use provision::provision;
pub use rollups::result_kind;
pub(crate) use rollups::source;

#[cfg(test)]
mod tests;
