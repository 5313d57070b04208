//! Operations that are the same for every tenant: declared in GraphQL's own language, each with one function that
//! answers a tree of JSON.

mod viewer;

use records::Ctx;
use serde_json::{Map, Value as Json};
use tenants::error::{Error, Result};

/// The declarations of all operations.
pub const DECLARED: &str = include_str!("viewer.graphql");

/// Runs an operation.
///
/// # Errors
/// Those of its service.
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Result<Json> {
    let _ = args;
    match name {
        "me" => viewer::me(ctx).await,
        _ => Err(Error::internal(format!("operation {name} is declared, but has no function"))),
    }
}
