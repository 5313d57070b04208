//! People and programs: who they are and how they prove it.

mod api_keys;
mod authenticate;
mod passwords;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;
mod visit;

use std::sync::Arc;

pub use api_keys::{IssuedKey, key_names};
pub use authenticate::Principal;
use entities::control::users;
pub use passwords::check_password;
use quick_cache::sync::Cache;
pub use sessions::{Membership, NewAccount, SignedIn};
use tokio::sync::Semaphore;
pub use visit::Visit;

use crate::{error::Result, registry::Registry};

/// Credentials of an installation's people and programs.
pub struct Identity {
    registry: Arc<Registry>,
    signer: tokens::Signer,
    /// Argon2 takes 19 MB and a core for a while: as many at once as there are cores.
    hashing: Arc<Semaphore>,
    /// Whoever was recognised within the last second.
    recent: Cache<[u8; 32], authenticate::Recent>,
}

impl Identity {
    /// The people and programs of a registry.
    pub fn new(registry: Arc<Registry>) -> Self {
        let signer = tokens::Signer::new(registry.master().clone());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { registry, signer, hashing: Arc::new(Semaphore::new(cores)), recent: Cache::new(10_000) }
    }

    /// The organisations of these people.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The person behind an access token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the token is not ours or its person is gone.
    pub async fn user(&self, token: &str) -> Result<users::Model> {
        let claims = self.signer.read(token, self.registry.clock())?;
        self.registry.user(claims.sub).await?.ok_or_else(|| crate::Error::of(crate::Code::Unauthenticated))
    }
}
