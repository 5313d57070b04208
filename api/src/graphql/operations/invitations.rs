//! Inviting people to the organisation; they answer at the account endpoint.

use std::collections::HashSet;

use entities::ids::InvitationId;
use records::{
    Ctx,
    invitations::{self, Invitation},
};
use serde_json::{Map, Value as Json, json};
use tenants::error::{Code, Error, Result};

use crate::graphql::execute::{actors, instant};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("invitations.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`records::invitations`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "invitations" => list(ctx).await,
        "inviteMember" => invite(ctx, args).await,
        "resendInvitation" => resend(ctx, args).await,
        "revokeInvitation" => revoke(ctx, args).await,
        _ => return None,
    })
}

async fn list(ctx: &Ctx) -> Result<Json> {
    trees(ctx, invitations::list(ctx).await?).await.map(Json::Array)
}

async fn invite(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    one(ctx, invitations::invite(ctx, text(args, "email"), text(args, "role")).await?).await
}

async fn resend(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    one(ctx, invitations::resend(ctx, id(args)?).await?).await
}

async fn revoke(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    invitations::revoke(ctx, id(args)?).await?;
    Ok(text(args, "id").into())
}

async fn one(ctx: &Ctx, invitation: Invitation) -> Result<Json> {
    Ok(trees(ctx, vec![invitation]).await?.pop().unwrap_or_default())
}

async fn trees(ctx: &Ctx, found: Vec<Invitation>) -> Result<Vec<Json>> {
    let actors = actors::trees(ctx, found.iter().map(|one| one.created_by.as_str()).collect::<HashSet<_>>()).await?;
    let tree = |one: Invitation| {
        json!({
            "id": one.id.to_string(),
            "email": one.email,
            "role": one.role,
            "invitedBy": actors.get(&one.created_by),
            "createdAt": instant(one.created_at),
            "expiresAt": instant(one.expires_at),
        })
    };
    Ok(found.into_iter().map(tree).collect())
}

fn id(args: &Map<String, Json>) -> Result<InvitationId> {
    text(args, "id").parse().map_err(|_| Error::new(Code::NotFound, "There is no such invitation."))
}

fn text<'a>(args: &'a Map<String, Json>, name: &str) -> &'a str {
    args.get(name).and_then(Json::as_str).unwrap_or_default()
}
