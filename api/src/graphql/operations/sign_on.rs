//! The provider through which an organisation's members sign in.

use records::Ctx;
use serde_json::{Map, Value as Json, json};
use tenants::{
    error::Result,
    sign_on::{self, NewSignOn},
};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("sign_on.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`tenants::sign_on`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "signOn" => get(ctx).await,
        "setSignOn" => set(ctx, args).await,
        "removeSignOn" => sign_on::remove(&ctx.db, &ctx.caller).await.map(|()| true.into()),
        _ => return None,
    })
}

async fn get(ctx: &Ctx) -> Result<Json> {
    let path = format!("/t/{}/sign-on", ctx.db.settings().slug);
    let tree = |known: sign_on::SignOn| {
        json!({
            "issuer": known.issuer,
            "clientId": known.client_id,
            "role": known.role,
            "required": known.required,
            "domains": known.domains,
            "path": path,
        })
    };
    Ok(sign_on::get(&ctx.db, &ctx.caller).await?.map_or(Json::Null, tree))
}

async fn set(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let input = args.get("input").unwrap_or(&Json::Null);
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let new = NewSignOn {
        issuer: text("issuer").unwrap_or_default(),
        client_id: text("clientId").unwrap_or_default(),
        client_secret: text("clientSecret"),
        role: text("role").unwrap_or_default(),
        required: input["required"].as_bool().unwrap_or(false),
    };
    sign_on::set(&ctx.db, &ctx.caller, new).await?;
    get(ctx).await
}
