//! The security log, and how the organisation wants to be protected.

use std::collections::HashSet;

use entities::ids::EventId;
use records::{
    Ctx,
    engine::{MAX_PAGE, retention},
    operations::{Entry, Given, Module, NoArgs, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Actor, Permission,
    error::{Code, Error, Result},
    identity, origins,
    security_log::{self, Event, Kind, Line, LogQuery},
};
use uuid::Uuid;

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// What the operations are declared as.
const DECLARED: &str = include_str!("security.graphql");

/// The operations of the security log and settings.
pub fn module() -> Module {
    let manage = Permit::Named(Permission::ManageSecurity);
    Module {
        declared: DECLARED,
        entries: vec![
            Entry::new("securityLog", log).permit(Permit::Named(Permission::ViewSecurityLog)),
            Entry::new("securitySettings", settings).permit(manage),
            Entry::new("updateSecuritySettings", update).permit(manage),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Log {
    first: Option<i64>,
    after: Option<Given<EventId>>,
    kinds: Option<HashSet<String>>,
    actor: Option<Given<Uuid>>,
}

#[derive(Deserialize)]
struct Update {
    input: SecuritySettingsInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecuritySettingsInput {
    log_days: Option<i64>,
    history_days: Option<i64>,
    origins: Option<Vec<String>>,
    two_factors_required: Option<bool>,
}

async fn log(ctx: Ctx, args: Log) -> Result<Json> {
    let kinds = args.kinds.unwrap_or_default();
    let asked = LogQuery {
        first: first(args.first, DEFAULT_PAGE, MAX_PAGE)?.into(),
        after: args.after.map(|id| id.id().ok_or_else(|| Error::of(Code::BadCursor))).transpose()?,
        kinds: Kind::ALL.iter().copied().filter(|kind| kinds.contains(kind.name())).collect(),
        actors: args.actor.map(|id| id.id().map_or_else(Vec::new, Actor::of_id)),
    };
    let page = security_log::page(&ctx.db, &asked).await?;
    let stored = page.lines.iter().filter_map(|line| line.actor.as_deref()).collect();
    let actors = actors::trees(&ctx, stored).await?;
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

async fn settings(ctx: Ctx, _: NoArgs) -> Result<Json> {
    shown(&ctx).await
}

async fn shown(ctx: &Ctx) -> Result<Json> {
    let origins = origins::list(&ctx.db, &ctx.caller).await?;
    Ok(json!({
        "logDays": security_log::keep_days(&ctx.db).await?,
        "historyDays": retention::keep_days(&ctx.db).await?,
        "origins": origins,
        "twoFactorsRequired": identity::are_two_factors_required(&ctx.db).await?,
    }))
}

async fn update(ctx: Ctx, args: Update) -> Result<Json> {
    let input = args.input;
    let mut changed = Event::of(&ctx.caller, Kind::SettingsChanged);
    if let Some(days) = input.log_days {
        security_log::set_keep_days(&ctx.db, days, ctx.caller.clock.micros()).await?;
        changed = changed.with("logDays", days);
    }
    if let Some(days) = input.history_days {
        retention::set_keep_days(&ctx.db, days, ctx.caller.clock.micros()).await?;
        changed = changed.with("historyDays", days);
    }
    if let Some(wanted) = input.origins {
        origins::set(&ctx.db, &ctx.caller, &wanted).await?;
        changed = changed.with("origins", wanted);
    }
    if let Some(required) = input.two_factors_required {
        identity::require_two_factors(&ctx.db, &ctx.caller, required).await?;
        changed = changed.with("twoFactorsRequired", required);
    }
    security_log::note(&ctx.db, changed, ctx.caller.clock.micros()).await?;
    shown(&ctx).await
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
