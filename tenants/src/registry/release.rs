//! Which tenants this release has not reached yet.

use entities::control::tenants;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Registry;
use crate::{error::Result, migrate};

impl Registry {
    /// What a tenant is brought up to: the last migration and the standard objects of this program.
    pub fn release(&self) -> String {
        let last = migration::tenant::STEPS.last().map_or("", |step| step.name);
        format!("{last}+{}", self.provision.fingerprint())
    }

    /// Organisations in use that are not brought up to this release; they are at their first request, or by the sweep.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn behind(&self) -> Result<Vec<tenants::Model>> {
        let query = tenants::Entity::find()
            .filter(tenants::Column::State.eq("active"))
            .filter(tenants::Column::Release.ne(self.release()));
        Ok(query.all(self.control.read()).await?)
    }

    /// Names of the steps that a tenant has not taken, the standard objects among them.
    ///
    /// # Errors
    /// When its database does not answer.
    pub async fn pending(&self, tenant: &tenants::Model) -> Result<Vec<String>> {
        if tenant.release == self.release() {
            return Ok(Vec::new());
        }
        let db = self.connect(tenant, false).await?;
        let pending = migrate::pending(&db).await;
        db.close().await;
        let mut names: Vec<String> = pending?.iter().map(|step| step.name.to_owned()).collect();
        names.push("standard objects".to_owned());
        Ok(names)
    }
}
