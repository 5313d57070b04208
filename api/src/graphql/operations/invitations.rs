//! Inviting people to the organisation; they answer at the account endpoint.

use std::collections::HashSet;

use entities::ids::InvitationId;
use records::{
    Ctx,
    invitations::{self, Invitation},
    operations::{Entry, Given, Module, NoArgs, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{Permission, error::Result};

use crate::graphql::execute::{actors, instant};

/// The operations of invitations.
pub fn module() -> Module {
    let manage = Permit::Named(Permission::ManageMembers);
    Module {
        declared: include_str!("invitations.graphql"),
        entries: vec![
            Entry::new("invitations", list).permit(manage),
            Entry::new("inviteMember", invite).permit(manage),
            Entry::new("resendInvitation", resend).permit(manage),
            Entry::new("revokeInvitation", revoke).permit(manage),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Invite {
    email: String,
    role: String,
}

#[derive(Deserialize)]
struct ById {
    id: Given<InvitationId>,
}

async fn list(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    trees(&ctx, invitations::list(&ctx).await?).await
}

async fn invite(ctx: Ctx, args: Invite) -> Result<Option<Json>> {
    one(&ctx, invitations::invite(&ctx, &args.email, &args.role).await?).await
}

async fn resend(ctx: Ctx, args: ById) -> Result<Option<Json>> {
    one(&ctx, invitations::resend(&ctx, args.id.needed("invitation")?).await?).await
}

async fn revoke(ctx: Ctx, args: ById) -> Result<InvitationId> {
    let id = args.id.needed("invitation")?;
    invitations::revoke(&ctx, id).await.map(|()| id)
}

async fn one(ctx: &Ctx, invitation: Invitation) -> Result<Option<Json>> {
    Ok(trees(ctx, vec![invitation]).await?.pop())
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
