//! Emails to people, asked for in the transaction that gives the reason. What they say and how they go out is known
//! above: `api` plugs it into the queue.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::{error::Result, system_jobs};

/// Where emails wait.
pub const EMAILS: &str = "emails";

/// An email on its way. It holds secrets and names, and is kept sealed.
#[derive(Serialize, Deserialize)]
pub struct EmailRequest {
    /// The address; none where nobody has the one that was asked about, which must take as long.
    pub to: Option<String>,
    /// `en`, `fr` or `es`.
    pub language: String,
    pub kind: EmailKind,
}

/// Why somebody is written to. Tokens go into links.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EmailKind {
    /// A sign-up becomes an account by this.
    ConfirmSignUp { token: String },
    /// Somebody signed up with an address that has an account.
    AlreadyRegistered,
    /// Another account was to have an address that has one.
    AddressTaken,
    /// A way to a new password.
    Recover { token: String },
    /// The password is another now.
    PasswordChanged,
    /// The second factor was switched on, or off.
    SecondFactor { on: bool },
    /// To an address that an account is to have.
    ConfirmNewEmail { token: String },
    /// To the address that an account is to leave.
    LeaveEmail { new: String, token: String },
    /// An organisation wants somebody as a member.
    Invitation { organisation: String, inviter: String, token: String },
    /// Somebody came who was invited.
    InvitationAccepted { organisation: String, who: String },
    /// The account is gone.
    AccountDeleted,
}

impl Identity {
    /// Writes to somebody, once the transaction commits; call `tickets().wake()` then.
    pub(super) async fn queue_email(&self, tx: &impl ConnectionTrait, request: &EmailRequest) -> Result<()> {
        system_jobs::enqueue(tx, self.registry.master(), EMAILS, request, self.registry.clock().micros()).await
    }
}
