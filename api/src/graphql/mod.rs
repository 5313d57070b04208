//! The GraphQL endpoint of a tenant: its own schema, made from its catalog. The library parses, validates and answers
//! introspection; planning and execution are ours, so that a selection becomes few reads and an answer keeps the
//! specification's order, nulls and paths.

mod budget;
mod cache;
pub mod errors;
mod execute;
pub mod http;
mod input;
mod operations;
mod plan;
mod request_limits;
mod respond;
pub mod rest;
pub mod schema;
mod sockets;
mod subscribe;
pub mod ws;

use std::sync::Arc;

use records::rules::RuleSet;
use tenants::{Caller, error::Result, watch::Watcher};

pub use budget::{Budget, Budgets, Left};
pub(crate) use execute::instant;
pub use http::handle;
pub use operations::{Table, failed_job_to_json};
pub use request_limits::admit;
pub use respond::{Answer, Request};

/// The endpoint, with what it remembers between requests.
pub struct Endpoint {
    schemas: cache::Schemas,
    documents: plan::Documents,
    budget: Budget,
    budgets: Budgets<budget::Who>,
    watcher: Watcher,
    sockets: sockets::Sockets,
    rules: Arc<RuleSet>,
}

/// Bytes of schemas kept.
const SCHEMA_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of prepared documents kept.
const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

impl Endpoint {
    /// An endpoint with these operations, whose writes follow these rules, and whose callers may each spend so much.
    pub fn new(rules: Arc<RuleSet>, budget: Budget, table: Arc<Table>) -> Self {
        Self {
            schemas: cache::Schemas::new(SCHEMA_BYTES, table),
            documents: plan::Documents::new(DOCUMENT_BYTES),
            budget,
            budgets: Budgets::default(),
            watcher: Watcher::default(),
            sockets: sockets::Sockets::default(),
            rules,
        }
    }
}

impl Endpoint {
    /// Takes points from a caller's budget, for what is no document of GraphQL too.
    ///
    /// # Errors
    /// `RATE_LIMITED`, saying after how long there is enough.
    pub fn spend(&self, caller: &Caller, cost: u64) -> Result<Left> {
        self.budgets.spend(&(caller.tenant, caller.actor), self.budget.of(caller), cost)
    }

    /// Publishes what the endpoint holds in memory, and how often it found it there.
    pub fn measure(&self) {
        let [hits, misses, count, bytes] = self.schemas.numbers();
        metrics::gauge!("clientele_graphql_schemas").set(count as f64);
        metrics::gauge!("clientele_graphql_schema_bytes").set(bytes as f64);
        metrics::counter!("clientele_graphql_schema_hits_total").absolute(hits);
        metrics::counter!("clientele_graphql_schema_misses_total").absolute(misses);
        let [hits, misses, count, bytes] = self.documents.numbers();
        metrics::gauge!("clientele_graphql_documents").set(count as f64);
        metrics::gauge!("clientele_graphql_document_bytes").set(bytes as f64);
        metrics::counter!("clientele_graphql_document_hits_total").absolute(hits);
        metrics::counter!("clientele_graphql_document_misses_total").absolute(misses);
        metrics::gauge!("clientele_graphql_sockets").set(self.sockets.count() as f64);
    }
}

#[cfg(test)]
mod tests;
