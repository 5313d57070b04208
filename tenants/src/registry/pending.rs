//! What an upgrade would do to a tenant.

use entities::{control::tenants, tenant::migrations};
use sea_orm::EntityTrait;

use super::Registry;
use crate::{error::Result, migrate};

impl Registry {
    /// Names of the steps that a tenant has not taken, its standard objects among them.
    ///
    /// # Errors
    /// When its database does not answer.
    pub async fn pending(&self, tenant: &tenants::Model) -> Result<Vec<String>> {
        let db = self.connect(tenant, false).await?;
        let mut names: Vec<String> = migrate::pending(&db).await?.iter().map(|step| step.name.to_owned()).collect();
        let standard = self.standard();
        if migrations::Entity::find_by_id(standard.clone()).one(&db).await?.is_none() {
            names.push(standard);
        }
        Ok(names)
    }

    /// Name of the newest standard objects in a tenant's ledger.
    pub(super) fn standard(&self) -> String {
        format!("standard:{}", self.provision.fingerprint())
    }
}
