//! The security log, and how the organisation wants to be protected.

use std::collections::HashSet;

use records::{Ctx, engine::MAX_PAGE};
use serde_json::{Map, Value as Json, json};
use tenants::{
    Actor, Permission,
    error::{Code, Error, Result},
    identity, origins,
    security_log::{self, Event, Kind, Line, LogQuery},
};

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("security.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`tenants::security_log`], [`tenants::origins`] and [`identity::require_two_factors`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "securityLog" => log(ctx, args).await,
        "securitySettings" => settings(ctx).await,
        "updateSecuritySettings" => update(ctx, args).await,
        _ => return None,
    })
}

async fn log(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    ctx.caller.demand(Permission::ViewSecurityLog)?;
    let first = first(args, DEFAULT_PAGE, MAX_PAGE)?;
    let text = |name: &str| args.get(name).and_then(Json::as_str);
    let named: HashSet<&str> =
        args.get("kinds").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let actors = text("actor").map(|id| id.parse().map_or_else(|_| Vec::new(), Actor::of_id));
    let after = text("after").map(|id| id.parse().map_err(|_| Error::of(Code::BadCursor))).transpose()?;
    let asked = LogQuery {
        first: first.into(),
        after,
        kinds: Kind::ALL.iter().copied().filter(|kind| named.contains(kind.name())).collect(),
        actors,
    };
    let page = security_log::page(&ctx.db, &asked).await?;
    let stored = page.lines.iter().filter_map(|line| line.actor.as_deref()).collect();
    let actors = actors::trees(ctx, stored).await?;
    let nodes: Vec<Json> =
        page.lines.iter().map(|line| tree(line, line.actor.as_ref().and_then(|actor| actors.get(actor)))).collect();
    Ok(json!({ "nodes": nodes, "hasMore": page.more }))
}

fn tree(line: &Line, actor: Option<&Json>) -> Json {
    json!({
        "id": line.id.to_string(),
        "kind": line.kind,
        "at": instant(line.at),
        "lastAt": instant(line.last_at),
        "times": line.times,
        "actor": actor,
        "address": line.address,
        "agent": line.agent,
        "detail": line.detail,
    })
}

async fn settings(ctx: &Ctx) -> Result<Json> {
    let origins = origins::list(&ctx.db, &ctx.caller).await?;
    Ok(json!({
        "logDays": security_log::keep_days(&ctx.db).await?,
        "origins": origins,
        "twoFactorsRequired": identity::are_two_factors_required(&ctx.db).await?,
    }))
}

async fn update(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    ctx.caller.demand(Permission::ManageSecurity)?;
    let input = args.get("input").unwrap_or(&Json::Null);
    let mut changed = Event::of(&ctx.caller, Kind::SettingsChanged);
    if let Some(days) = input["logDays"].as_i64() {
        security_log::set_keep_days(&ctx.db, days, ctx.caller.clock.micros()).await?;
        changed = changed.with("logDays", days);
    }
    if let Some(given) = input["origins"].as_array() {
        let wanted: Vec<String> = given.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        origins::set(&ctx.db, &ctx.caller, &wanted).await?;
        changed = changed.with("origins", wanted);
    }
    if let Some(required) = input["twoFactorsRequired"].as_bool() {
        identity::require_two_factors(&ctx.db, &ctx.caller, required).await?;
        changed = changed.with("twoFactorsRequired", required);
    }
    security_log::note(&ctx.db, changed, ctx.caller.clock.micros()).await?;
    settings(ctx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_log_can_be_asked_for() {
        let (_, declared) = DECLARED.split_once("enum SecurityEventKind {").unwrap();
        let declared: Vec<&str> = declared.trim_end().trim_end_matches('}').split_whitespace().collect();
        let there: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(declared, there);
    }
}
