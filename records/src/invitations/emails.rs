//! The email of an invitation: queued in the organisation's work, and handed from there to the installation's mail.

use entities::tenant::invitations;
use serde::{Deserialize, Serialize};
use tenants::{
    Actor, TenantDb, TenantTx,
    error::{Error, Result},
    identity::{EmailKind, EmailRequest},
    work::{self, NewWork},
};

use crate::Ctx;

/// The queue of these emails.
pub const QUEUE: &str = "invitations";

#[derive(Serialize, Deserialize)]
struct InvitationEmail {
    to: String,
    created_by: String,
    token: String,
}

/// Queues an email in the transaction that creates the invitation.
pub(super) async fn ask(ctx: &Ctx, tx: &TenantTx, row: &invitations::Model, token: String) -> Result<()> {
    let asked = InvitationEmail { to: row.email.clone(), created_by: row.created_by.clone(), token };
    let payload = serde_json::to_value(asked).map_err(Error::internal)?;
    let now = ctx.caller.clock.micros();
    work::enqueue(&ctx.db, tx, NewWork { queue: QUEUE, payload, due: now, key: None }, now).await
}

/// The email for an item of [`QUEUE`], in the organisation's language.
///
/// # Errors
/// If the item is damaged, or the database does not answer.
pub async fn email(db: &TenantDb, payload: serde_json::Value) -> Result<EmailRequest> {
    let InvitationEmail { to, created_by, token } = serde_json::from_value(payload).map_err(Error::internal)?;
    let settings = db.settings();
    let organisation = settings.name.clone();
    let inviter = match Actor::from_stored(&created_by)? {
        Actor::Member(id) => super::name_of(db, id).await?,
        _ => None,
    };
    let inviter = inviter.unwrap_or_else(|| organisation.clone());
    let kind = EmailKind::Invitation { organisation, inviter, token };
    Ok(EmailRequest { to: Some(to), language: settings.language.clone(), kind })
}
