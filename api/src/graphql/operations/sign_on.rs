//! The provider through which an organisation's members sign in.

use records::{
    Ctx,
    operations::{Entry, Module, NoArgs, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Permission,
    error::Result,
    sign_on::{self, NewSignOn},
};

/// The operations of single sign-on.
pub fn module() -> Module {
    let manage = Permit::Named(Permission::ManageSecurity);
    Module {
        declared: include_str!("sign_on.graphql"),
        entries: vec![
            Entry::new("signOn", get).permit(manage),
            Entry::new("setSignOn", set).permit(manage),
            Entry::new("removeSignOn", remove).permit(manage),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Set {
    input: SignOnInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignOnInput {
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    role: String,
    required: Option<bool>,
}

async fn get(ctx: Ctx, _: NoArgs) -> Result<Option<Json>> {
    shown(&ctx).await
}

async fn set(ctx: Ctx, args: Set) -> Result<Option<Json>> {
    let SignOnInput { issuer, client_id, client_secret, role, required } = args.input;
    let new = NewSignOn { issuer, client_id, client_secret, role, required: required.unwrap_or_default() };
    sign_on::set(&ctx.db, &ctx.caller, new).await?;
    shown(&ctx).await
}

async fn remove(ctx: Ctx, _: NoArgs) -> Result<bool> {
    sign_on::remove(&ctx.db, &ctx.caller).await.map(|()| true)
}

async fn shown(ctx: &Ctx) -> Result<Option<Json>> {
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
    Ok(sign_on::get(&ctx.db, &ctx.caller).await?.map(tree))
}
