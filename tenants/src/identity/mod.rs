//! People and programs: who they are and how they prove it.

mod agents;
mod api_keys;
mod authenticate;
mod devices;
mod factors;
mod guard;
mod joining;
mod letters;
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
#[cfg(test)]
mod tests;
mod tokens;
mod visit;

use std::sync::Arc;

pub use authenticate::Principal;
pub use devices::Device;
use entities::{control::users, ids::SessionId};
pub(crate) use factors::SEALED as FACTORS;
pub use factors::{Enrolment, Standing, TrustedDevice, are_two_factors_required, require_two_factors};
pub use letters::{LETTERS, Letter, Post};
pub use new_email::EmailChange;
pub use open_sessions::OpenSession;
pub use passwords::check_password;
pub use people::{NewAccount, check_email, email_key};
pub(crate) use pictures::SEALED as PICTURES;
pub use pictures::{PICTURE_BYTES, Picture};
pub use profile::{Notice, PEOPLE, ProfilePatch, name_of};
use quick_cache::sync::Cache;
pub use sessions::{Membership, SignedIn};
pub(crate) use sign_up::SEALED as SIGN_UPS;
use tokio::sync::Semaphore;
pub use visit::Visit;

use crate::{error::Result, registry::Registry};

/// Passwords that may wait for their turn; at two cores the last of them waits for about three seconds.
const QUEUE: usize = 100;
/// Lines of security logs that may be on their way.
const TELLING: usize = 64;

/// Credentials of an installation's people and programs.
pub struct Identity {
    registry: Arc<Registry>,
    signer: tokens::Signer,
    /// Argon2 takes 32 MB and a core for a while: as many at once as there are cores.
    hashing: Arc<Semaphore>,
    /// Passwords that wait for their turn, or have it.
    queue: Arc<Semaphore>,
    /// Lines of security logs that are being written behind an answer.
    telling: Arc<Semaphore>,
    /// Whoever was recognised within the last second.
    recent: Cache<[u8; 32], authenticate::Recent>,
}

impl Identity {
    /// The people and programs of a registry.
    pub fn new(registry: Arc<Registry>) -> Self {
        let signer = tokens::Signer::new(registry.master().clone());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            registry,
            signer,
            hashing: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            telling: Arc::new(Semaphore::new(TELLING)),
            recent: Cache::new(10_000),
        }
    }

    /// The organisations of these people.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The person behind an access token, and their session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the token is not ours, its person is gone or its session has ended.
    pub async fn person_of(&self, token: &str) -> Result<(users::Model, SessionId)> {
        let claims = self.signer.read(token, self.registry.clock())?;
        let ended = || crate::Error::of(crate::Code::Unauthenticated);
        self.live(claims.sid).await?.filter(|session| session.user_id == claims.sub).ok_or_else(ended)?;
        let user = self.registry.user(claims.sub).await?.ok_or_else(ended)?;
        Ok((user, claims.sid))
    }
}
