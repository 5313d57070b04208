//! Who asks, and for which organisation.

use std::collections::HashSet;

use records::{Ctx, roles, values::money};
use serde_json::{Value as Json, json};
use tenants::{Permission, error::Result};

use crate::graphql::execute::actors;

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("viewer.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of the database.
pub async fn run(ctx: &Ctx, name: &str) -> Option<Result<Json>> {
    match name {
        "me" => Some(me(ctx).await),
        _ => None,
    }
}

async fn me(ctx: &Ctx) -> Result<Json> {
    let stored = ctx.caller.actor.stored();
    let mut actors = actors::trees(ctx, HashSet::from([stored.as_str()])).await?;
    let settings = ctx.db.settings();
    Ok(json!({
        "actor": actors.remove(&stored),
        "organisation": {
            "id": ctx.caller.tenant.to_string(),
            "slug": settings.slug,
            "name": settings.name,
            "country": settings.country,
            "currency": money::code(&settings.currency),
            "timeZone": settings.time_zone.name(),
            "language": settings.language,
        },
        "language": ctx.caller.locale,
        "role": roles::own(ctx).await?.map(|role| role.name),
        "permissions": Permission::ALL.into_iter().filter(|one| ctx.caller.access.has(*one)).collect::<Vec<_>>(),
    }))
}
