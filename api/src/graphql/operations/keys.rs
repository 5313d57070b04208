//! Keys of programs.

use std::collections::{BTreeSet, HashMap, HashSet};

use entities::{ids::ApiKeyId, tenant::api_keys};
use records::{Ctx, engine::MAX_PAGE};
use serde_json::{Map, Value as Json, json};
use tenants::{
    Operation,
    api_keys::{self as keys, IssuedKey, Networks, NewKey, Scopes},
    error::{Code, Error, FieldIssue, Issue, Result},
};

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("keys.graphql");

/// Seconds for which an old secret goes on opening where the request does not say.
const OVERLAP: i64 = 24 * 3600;

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`tenants::api_keys`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "apiKeys" => list(ctx, args).await,
        "createApiKey" => create(ctx, args).await,
        "renewApiKey" => renew(ctx, args).await,
        "revokeApiKey" => revoke(ctx, args).await,
        _ => return None,
    })
}

async fn list(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let first = first(args, DEFAULT_PAGE, MAX_PAGE)?;
    let after = args.get("after").and_then(Json::as_str).and_then(|id| id.parse().ok());
    let revoked = args.get("revoked").and_then(Json::as_bool).unwrap_or(false);
    let rows = keys::list(&ctx.db, &ctx.caller, first.into(), after, revoked).await?;
    trees(ctx, rows).await.map(Json::Array)
}

async fn create(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let input = args.get("input").unwrap_or(&Json::Null);
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let addresses = input["addresses"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let new = NewKey {
        name: text("name").unwrap_or_default(),
        role: text("role"),
        scopes: input["scopes"].as_array().map(|given| scopes(ctx, given)).transpose()?,
        addresses: addresses.map(str::to_owned).collect(),
        expires_at: moment("expiresAt", &input["expiresAt"])?,
        points_per_second: input["pointsPerSecond"].as_i64(),
    };
    issued(ctx, keys::create(&ctx.db, &ctx.caller, new).await?).await
}

async fn renew(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let seconds = args.get("overlapSeconds").and_then(Json::as_i64).unwrap_or(OVERLAP);
    let expires_at = moment("expiresAt", args.get("expiresAt").unwrap_or(&Json::Null))?;
    let overlap = seconds.saturating_mul(1_000_000);
    issued(ctx, keys::renew(&ctx.db, &ctx.caller, id(args)?, overlap, expires_at).await?).await
}

async fn revoke(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let id = id(args)?;
    keys::revoke(&ctx.db, &ctx.caller, id).await?;
    one(ctx, id).await
}

async fn issued(ctx: &Ctx, issued: IssuedKey) -> Result<Json> {
    Ok(json!({ "key": issued.key, "apiKey": one(ctx, issued.id).await? }))
}

async fn one(ctx: &Ctx, id: ApiKeyId) -> Result<Json> {
    let row = keys::load(&ctx.db, &ctx.caller, id).await?;
    Ok(trees(ctx, vec![row]).await?.pop().unwrap_or_default())
}

/// From names of objects to their ids.
fn scopes(ctx: &Ctx, given: &[Json]) -> Result<Scopes> {
    let mut scopes = Scopes::default();
    for (place, scope) in given.iter().enumerate() {
        let operations: BTreeSet<Operation> =
            serde_json::from_value(scope["operations"].clone()).map_err(Error::internal)?;
        match scope["object"].as_str() {
            None => scopes.others.extend(operations),
            Some(name) => {
                let object = ctx.catalog.object(name).ok_or_else(|| {
                    let issue = Issue::Rule(format!("There is no object `{name}`."));
                    Error::invalid(vec![FieldIssue { field: format!("scopes.{place}.object"), issue }])
                })?;
                scopes.objects.entry(object.id).or_default().extend(operations);
            }
        }
    }
    Ok(scopes)
}

fn moment(name: &str, value: &Json) -> Result<Option<i64>> {
    let Some(text) = value.as_str() else { return Ok(None) };
    let instant = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| {
        let issue = Issue::WrongType("an instant such as 2026-02-28T09:30:00Z".into());
        Error::invalid(vec![FieldIssue { field: name.to_owned(), issue }])
    })?;
    Ok(Some(instant.timestamp_micros()))
}

fn id(args: &Map<String, Json>) -> Result<ApiKeyId> {
    let id = args.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::new(Code::NotFound, "There is no such key."))
}

async fn trees(ctx: &Ctx, rows: Vec<api_keys::Model>) -> Result<Vec<Json>> {
    let actors = actors::trees(ctx, rows.iter().map(|row| row.created_by.as_str()).collect::<HashSet<_>>()).await?;
    let roles = keys::role_names(&ctx.db).await?;
    rows.iter().map(|row| tree(ctx, row, &actors, roles.get(&row.role_id))).collect()
}

fn tree(ctx: &Ctx, row: &api_keys::Model, actors: &HashMap<String, Json>, role: Option<&String>) -> Result<Json> {
    let stored = row.scopes.as_deref().map(serde_json::from_str::<Scopes>);
    let scopes = stored.transpose().map_err(Error::internal)?.map(|scopes| shown(ctx, &scopes));
    let at = |micros: Option<i64>| micros.map(instant);
    Ok(json!({
        "id": row.id.to_string(),
        "name": row.name,
        "prefix": row.prefix,
        "role": role,
        "scopes": scopes,
        "addresses": Networks::from_stored(row.addresses.as_deref()).written(),
        "pointsPerSecond": row.points_per_second,
        "createdAt": instant(row.created_at),
        "createdBy": actors.get(&row.created_by),
        "expiresAt": at(row.expires_at),
        "lastUsedAt": at(row.used_at),
        "lastUsedFrom": row.used_from,
        "renewedAt": at(row.renewed_at),
        "oldSecretUntil": at(row.old_until),
        "revokedAt": at(row.revoked_at),
    }))
}

fn shown(ctx: &Ctx, scopes: &Scopes) -> Json {
    let tree = |object: Option<&str>, operations: &BTreeSet<Operation>| {
        let operations: Vec<&str> = operations.iter().map(|operation| operation.name()).collect();
        json!({ "object": object, "operations": operations })
    };
    let others = (!scopes.others.is_empty()).then(|| tree(None, &scopes.others));
    // an object that was deleted since has nothing left to allow
    let named = scopes.objects.iter().filter_map(|(id, operations)| {
        ctx.catalog.object_by_id(*id).map(|object| tree(Some(&object.name), operations))
    });
    others.into_iter().chain(named).collect()
}
