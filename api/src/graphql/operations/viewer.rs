//! Who asks, and for which organisation.

use std::collections::HashSet;

use records::{
    Ctx,
    operations::{Entry, Module, NoArgs, Permit},
    roles,
    values::money,
};
use serde_json::{Value as Json, json};
use tenants::{Permission, error::Result};

use crate::graphql::execute::actors;

/// The operations of whoever asks.
pub fn module() -> Module {
    Module {
        declared: include_str!("viewer.graphql"),
        entries: vec![Entry::new("me", me).permit(Permit::SignedIn)],
        fields: Vec::new(),
    }
}

async fn me(ctx: Ctx, _: NoArgs) -> Result<Json> {
    let stored = ctx.caller.actor.stored();
    let mut actors = actors::trees(&ctx, HashSet::from([stored.as_str()])).await?;
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
        "role": roles::own(&ctx).await?.map(|role| role.name),
        "permissions": Permission::ALL.into_iter().filter(|one| ctx.caller.access.has(*one)).collect::<Vec<_>>(),
    }))
}
