//! API keys that the operator creates on the command line.

use std::sync::Arc;

use entities::ids::TenantId;

use super::Identity;
use crate::{
    access::Access,
    api_keys::{self, IssuedKey, NewKey},
    caller::{Actor, Caller, Origin},
    error::Result,
};

impl Identity {
    /// Creates a key for the operator.
    ///
    /// # Errors
    /// Those of [`api_keys::create`].
    pub async fn create_api_key(&self, tenant: TenantId, new: NewKey) -> Result<IssuedKey> {
        let db = self.registry.space(tenant).await?;
        let caller = Caller {
            tenant,
            actor: Actor::System,
            origin: Origin::Cli,
            access: Arc::new(Access::All),
            locale: db.settings().language.clone(),
            clock: self.registry.clock().clone(),
            request: String::new(),
            run: None,
            client: None,
            points_per_second: None,
        };
        api_keys::create(&db, &caller, new).await
    }
}
