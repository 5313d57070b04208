//! The GraphQL door of a tenant: its own schema, made from its catalog. The library parses, validates and answers
//! introspection; planning and execution are ours, so that a selection becomes few reads and an answer keeps the
//! specification's order, nulls and paths.

mod budget;
mod cache;
pub mod errors;
mod execute;
mod feeds;
mod frontdoor;
mod http;
mod input;
mod operations;
mod plan;
mod respond;
pub mod schema;
mod sockets;
mod subscribe;
pub mod ws;

use std::sync::Arc;

use records::rules::Rules;

pub use budget::{Budget, Left};
pub use http::handle;
pub use respond::{Answer, Request};

/// The door, with what it remembers between requests.
pub struct Door {
    schemas: cache::Schemas,
    documents: plan::Documents,
    budgets: budget::Budgets,
    feeds: feeds::Feeds,
    sockets: sockets::Sockets,
    rules: Arc<dyn Rules>,
}

/// Bytes of schemas kept.
const SCHEMA_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of prepared documents kept.
const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

impl Door {
    /// A door whose writes follow these rules, and whose callers may each spend so much.
    pub fn new(rules: Arc<dyn Rules>, budget: Budget) -> Self {
        Self {
            schemas: cache::Schemas::new(SCHEMA_BYTES),
            documents: plan::Documents::new(DOCUMENT_BYTES),
            budgets: budget::Budgets::new(budget),
            feeds: feeds::Feeds::default(),
            sockets: sockets::Sockets::default(),
            rules,
        }
    }
}

#[cfg(test)]
mod tests;
