//! The email of an invitation: queued in the organisation's work.

use std::time::Duration;

use entities::{ids::InvitationId, tenant::invitations};
use serde::{Deserialize, Serialize};
use tenants::{
    Actor, TenantDb, TenantTx,
    error::Result,
    identity::{EmailKind, EmailRequest},
    work::{self, Job, NewWork, Queue, Retry},
};

use crate::Ctx;

/// A mail server may take a minute.
const TIMEOUT: Duration = Duration::from_secs(90);
/// For about a day.
const RETRY: Retry = Retry { attempts: 32, first: Duration::from_secs(2), longest: Duration::from_secs(3_600) };

/// The email of an invitation that is to be sent.
#[derive(Serialize, Deserialize)]
pub struct InvitationEmail {
    invitation: InvitationId,
    to: String,
    created_by: String,
    token: String,
}

impl Job for InvitationEmail {
    const QUEUE: Queue =
        Queue { per_tenant: 2, per_node: 2, timeout: TIMEOUT, retry: RETRY, ..Queue::short("invitations") };

    fn subject(&self) -> String {
        format!("invitation {}", self.invitation)
    }
}

/// Queues an email in the transaction that creates the invitation.
pub(super) async fn ask(ctx: &Ctx, tx: &TenantTx, row: &invitations::Model, token: String) -> Result<()> {
    let (to, created_by) = (row.email.clone(), row.created_by.clone());
    let email = InvitationEmail { invitation: row.id, to, created_by, token };
    let now = ctx.caller.clock.micros();
    work::enqueue(&ctx.db, tx, NewWork::of(&email, now)?, now).await
}

/// The email itself, in the organisation's language.
///
/// # Errors
/// When the database does not answer.
pub async fn email(db: &TenantDb, job: InvitationEmail) -> Result<EmailRequest> {
    let InvitationEmail { to, created_by, token, .. } = job;
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
