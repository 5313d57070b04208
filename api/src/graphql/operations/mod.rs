//! Operations that are the same for every tenant: declared in GraphQL's own language, each with one function that
//! answers a tree of JSON.

mod access;
mod catalog;
mod imports;
mod invitations;
mod keys;
mod rates;
mod runs;
mod security;
mod sign_on;
mod viewer;

use records::Ctx;
use serde_json::{Map, Value as Json};
use tenants::error::{Error, Result};

/// The declarations of all operations.
pub const DECLARED: [&str; 10] = [
    access::DECLARED,
    viewer::DECLARED,
    catalog::DECLARED,
    rates::DECLARED,
    runs::DECLARED,
    imports::DECLARED,
    keys::DECLARED,
    security::DECLARED,
    sign_on::DECLARED,
    invitations::DECLARED,
];

/// Runs an operation.
///
/// # Errors
/// Those of its service.
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Result<Json> {
    if let Some(answer) = viewer::run(ctx, name).await {
        return answer;
    }
    if let Some(answer) = catalog::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = rates::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = runs::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = imports::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = access::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = invitations::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = keys::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = security::run(ctx, name, args).await {
        return answer;
    }
    if let Some(answer) = sign_on::run(ctx, name, args).await {
        return answer;
    }
    Err(Error::internal(format!("operation {name} is declared, but has no function")))
}
