//! Keys of programs.

use std::collections::{BTreeSet, HashMap, HashSet};

use entities::{ids::ApiKeyId, tenant::api_keys};
use records::{
    Ctx,
    engine::MAX_PAGE,
    operations::{Entry, Given, Module, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Operation, Permission,
    api_keys::{self as keys, IssuedKey, Networks, NewKey, Scopes},
    error::{Error, FieldIssue, Issue, Result},
};

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// Seconds for which an old secret goes on opening where the request does not say.
const OVERLAP: i64 = 24 * 3600;

/// The operations of API keys.
pub fn module() -> Module {
    let manage = Permit::Named(Permission::ManageApiKeys);
    Module {
        declared: include_str!("keys.graphql"),
        entries: vec![
            Entry::new("apiKeys", list).permit(manage),
            Entry::new("createApiKey", create).permit(manage),
            Entry::new("renewApiKey", renew).permit(manage),
            Entry::new("revokeApiKey", revoke).permit(manage),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct List {
    first: Option<i64>,
    after: Option<Given<ApiKeyId>>,
    revoked: Option<bool>,
}

#[derive(Deserialize)]
struct Create {
    input: ApiKeyInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiKeyInput {
    name: String,
    role: Option<String>,
    scopes: Option<Vec<ApiKeyScopeInput>>,
    addresses: Option<Vec<String>>,
    expires_at: Option<String>,
    points_per_second: Option<i64>,
}

#[derive(Deserialize)]
struct ApiKeyScopeInput {
    object: Option<String>,
    operations: BTreeSet<Operation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renew {
    id: Given<ApiKeyId>,
    overlap_seconds: Option<i64>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct ById {
    id: Given<ApiKeyId>,
}

async fn list(ctx: Ctx, args: List) -> Result<Vec<Json>> {
    let first = first(args.first, DEFAULT_PAGE, MAX_PAGE)?;
    let after = args.after.and_then(Given::id);
    let rows = keys::list(&ctx.db, &ctx.caller, first.into(), after, args.revoked.unwrap_or_default()).await?;
    trees(&ctx, rows).await
}

async fn create(ctx: Ctx, args: Create) -> Result<Json> {
    let input = args.input;
    let new = NewKey {
        name: input.name,
        role: input.role,
        scopes: input.scopes.map(|given| scopes(&ctx, given)).transpose()?,
        addresses: input.addresses.unwrap_or_default(),
        expires_at: moment("expiresAt", input.expires_at.as_deref())?,
        points_per_second: input.points_per_second,
    };
    issued(&ctx, keys::create(&ctx.db, &ctx.caller, new).await?).await
}

async fn renew(ctx: Ctx, args: Renew) -> Result<Json> {
    let expires_at = moment("expiresAt", args.expires_at.as_deref())?;
    let overlap = args.overlap_seconds.unwrap_or(OVERLAP).saturating_mul(1_000_000);
    let id = args.id.needed("key")?;
    issued(&ctx, keys::renew(&ctx.db, &ctx.caller, id, overlap, expires_at).await?).await
}

async fn revoke(ctx: Ctx, args: ById) -> Result<Option<Json>> {
    let id = args.id.needed("key")?;
    keys::revoke(&ctx.db, &ctx.caller, id).await?;
    one(&ctx, id).await
}

async fn issued(ctx: &Ctx, issued: IssuedKey) -> Result<Json> {
    Ok(json!({ "key": issued.key, "apiKey": one(ctx, issued.id).await? }))
}

async fn one(ctx: &Ctx, id: ApiKeyId) -> Result<Option<Json>> {
    let row = keys::load(&ctx.db, &ctx.caller, id).await?;
    Ok(trees(ctx, vec![row]).await?.pop())
}

/// From names of objects to their ids.
fn scopes(ctx: &Ctx, given: Vec<ApiKeyScopeInput>) -> Result<Scopes> {
    let mut scopes = Scopes::default();
    for (place, scope) in given.into_iter().enumerate() {
        match scope.object {
            None => scopes.others.extend(scope.operations),
            Some(name) => {
                let object = ctx.catalog.object(&name).ok_or_else(|| {
                    let issue = Issue::Rule(format!("There is no object `{name}`."));
                    Error::invalid(vec![FieldIssue { field: format!("scopes.{place}.object"), issue }])
                })?;
                scopes.objects.entry(object.id).or_default().extend(scope.operations);
            }
        }
    }
    Ok(scopes)
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let instant = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| {
        let issue = Issue::WrongType("an instant such as 2026-02-28T09:30:00Z".into());
        Error::invalid(vec![FieldIssue { field: name.to_owned(), issue }])
    })?;
    Ok(Some(instant.timestamp_micros()))
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
