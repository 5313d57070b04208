//! Whom a provider's subjects are here. A subject never changes; an address may. Another provider's subject is somebody
//! else, however it reads: an organisation that changes its provider begins anew.

use entities::{
    control::{sign_on_links, users},
    ids::{TenantId, UserId},
};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::Proven;
use crate::{error::Result, identity::Identity};

impl Identity {
    /// The person whom an organisation's provider speaks of, if that one spoke of them before.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn linked(&self, tenant: TenantId, proven: &Proven) -> Result<Option<users::Model>> {
        let control = self.registry().control();
        let link = sign_on_links::Entity::find_by_id((tenant, proven.subject.clone())).one(control.read()).await?;
        match link.filter(|link| link.issuer == proven.issuer) {
            Some(link) => self.registry().user(link.user_id).await,
            None => Ok(None),
        }
    }

    /// Remembers it.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn link(&self, tenant: TenantId, proven: &Proven, user: UserId) -> Result<()> {
        let row = sign_on_links::ActiveModel {
            tenant_id: Set(tenant),
            subject: Set(proven.subject.clone()),
            issuer: Set(proven.issuer.clone()),
            user_id: Set(user),
            created_at: Set(self.registry().clock().micros()),
        };
        let again = OnConflict::columns([sign_on_links::Column::TenantId, sign_on_links::Column::Subject])
            .update_columns([sign_on_links::Column::Issuer, sign_on_links::Column::UserId])
            .to_owned();
        let insert = sign_on_links::Entity::insert(row).on_conflict(again);
        insert.exec_without_returning(self.registry().control().write()).await?;
        Ok(())
    }
}
