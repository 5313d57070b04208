//! People and API keys: who they are and how they prove it.

mod agents;
mod api_keys;
mod authenticate;
mod client_info;
mod devices;
mod emails;
mod factors;
mod guard;
mod hs256;
mod joining;
pub mod links;
mod lockout;
mod new_email;
mod open_sessions;
mod own_password;
mod passwords;
mod people;
mod pictures;
mod profile;
mod recovery;
mod sessions;
mod sign_up;
mod slow;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

pub use authenticate::Principal;
pub use client_info::ClientInfo;
pub use devices::Device;
pub use emails::{EMAILS, EmailKind, EmailRequest};
use entities::{
    control::users,
    ids::{SessionId, TenantId},
};
pub(crate) use factors::SEALED as FACTORS;
pub use factors::{Enrolment, Standing, TrustedDevice, are_two_factors_required, require_two_factors};
pub use new_email::EmailChange;
pub use open_sessions::OpenSession;
pub use people::{NewAccount, check_email, email_key};
pub(crate) use pictures::SEALED as PICTURES;
pub use pictures::{PICTURE_BYTES, Picture};
pub use profile::{Notice, PEOPLE, ProfilePatch, name_of};
use quick_cache::sync::Cache;
pub use sessions::{Membership, SignedIn};
pub(crate) use sign_up::SEALED as SIGN_UPS;
use tokio::sync::Semaphore;

use crate::{
    error::{Code, Error, Result},
    registry::Registry,
};

/// Most security-log entries being written at once.
const TELLING: usize = 64;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedInUser {
    pub user: users::Model,
    pub session: SessionId,
    /// The organisation whose provider identified them; the session is valid for it alone.
    pub only: Option<TenantId>,
}

/// Credentials of an installation's people and programs.
pub struct Identity {
    registry: Arc<Registry>,
    signer: tokens::Signer,
    /// Passwords that are being checked or wait for it.
    slow: slow::Slow,
    /// Security-log entries that are written in the background.
    telling: Arc<Semaphore>,
    /// Credentials recognised within the last second.
    recent: Cache<[u8; 32], authenticate::Recent>,
}

impl Identity {
    /// The identities of a registry.
    pub fn new(registry: Arc<Registry>) -> Self {
        let signer = tokens::Signer::new(registry.master().clone());
        Self {
            registry,
            signer,
            slow: slow::Slow::new(),
            telling: Arc::new(Semaphore::new(TELLING)),
            recent: Cache::new(10_000),
        }
    }

    /// The organisations these people belong to.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The person behind an access token and their session, for operations on the whole account.
    ///
    /// # Errors
    /// As [`Identity::signed_in_user`]; `FORBIDDEN` if an organisation's provider identified them.
    pub async fn person_of(&self, token: &str) -> Result<(users::Model, SessionId)> {
        let SignedInUser { user, session, only } = self.signed_in_user(token).await?;
        if only.is_some() { Err(for_one_organisation()) } else { Ok((user, session)) }
    }

    /// The person behind an access token, however they signed in.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the token is not valid, the person was deleted or the session has ended.
    pub async fn signed_in_user(&self, token: &str) -> Result<SignedInUser> {
        let claims = self.signer.read(token, self.registry.clock())?;
        let ended = || Error::of(Code::Unauthenticated);
        let session = self.live(claims.sid).await?.filter(|session| session.user_id == claims.sub);
        let only = session.ok_or_else(ended)?.only_tenant;
        let user = self.registry.user(claims.sub).await?.ok_or_else(ended)?;
        Ok(SignedInUser { user, session: claims.sid, only })
    }
}

/// The error for a session through a provider that is used for more than its organisation.
pub fn for_one_organisation() -> Error {
    let why = "You came in through an organisation's provider, whose word is taken for that organisation alone; sign in \
               with your password for what concerns your whole account.";
    Error::new(Code::Forbidden, why)
}
