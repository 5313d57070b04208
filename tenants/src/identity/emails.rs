//! Emails to people. They are queued in the transaction that gives the reason for them. The texts and the sending are
//! in `api` and `mail`, which process the queue.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::{error::Result, system_jobs};

/// The queue of emails.
pub const EMAILS: &str = "emails";

/// An email to be sent. It holds secrets and names, so it is stored sealed.
#[derive(Serialize, Deserialize)]
pub struct EmailRequest {
    /// The recipient; `None` if nobody has the address that was asked for. The work is the same, so that timing does
    /// not tell.
    pub to: Option<String>,
    /// `en`, `fr` or `es`.
    pub language: String,
    pub kind: EmailKind,
}

/// The reason for an email. Tokens are put into links.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EmailKind {
    /// Confirm a sign-up.
    ConfirmSignUp { token: String },
    /// Somebody signed up with an address that already has an account.
    AlreadyRegistered,
    /// Somebody tried to change their address to one that already has an account.
    AddressTaken,
    /// Set a new password.
    Recover { token: String },
    /// The password was changed.
    PasswordChanged,
    /// The second factor was turned on or off.
    SecondFactor { on: bool },
    /// To the new address of an account: confirm the change.
    ConfirmNewEmail { token: String },
    /// To the old address of an account: confirm the change.
    LeaveEmail { new: String, token: String },
    /// Somebody is invited to an organisation.
    Invitation { organisation: String, inviter: String, token: String },
    /// Somebody accepted an invitation.
    InvitationAccepted { organisation: String, who: String },
    /// The account was deleted.
    AccountDeleted,
}

impl Identity {
    /// Sends an email once the transaction commits. Call `tickets().wake()` after the commit.
    pub(super) async fn queue_email(&self, tx: &impl ConnectionTrait, request: &EmailRequest) -> Result<()> {
        system_jobs::enqueue(tx, self.registry.master(), EMAILS, request, self.registry.clock().micros()).await
    }
}
