//! Finds tenants that are not up to date with this release.

use entities::control::tenants;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Registry;
use crate::{error::Result, migrate};

impl Registry {
    /// What a tenant is brought up to: the last migration and the standard objects of this release.
    pub fn release(&self) -> String {
        let last = migration::tenant::STEPS.last().map_or("", |step| step.name);
        format!("{last}+{}", self.provision.fingerprint())
    }

    /// Active organisations that are not up to date. They are updated at their first request, or by the sweep.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn behind(&self) -> Result<Vec<tenants::Model>> {
        let query = tenants::Entity::find()
            .filter(tenants::Column::State.eq("active"))
            .filter(tenants::Column::Release.ne(self.release()));
        Ok(query.all(self.control.read()).await?)
    }

    /// Names of the steps that a tenant has not run, including the standard objects.
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
