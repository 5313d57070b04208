//! Keys of programs, as the operator's command line makes them.

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
    /// A new key, made by the operator.
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
