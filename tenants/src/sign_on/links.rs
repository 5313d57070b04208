//! Which person a provider's subject is. A subject never changes, while an address may. The same subject at another
//! provider is somebody else, so an organisation that changes its provider starts again.

use entities::{
    control::{sign_on_links, users},
    ids::{TenantId, UserId},
};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::Proven;
use crate::{error::Result, identity::Identity};

impl Identity {
    /// The person behind a subject of the organisation's provider, if they signed in through it before.
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

    /// Stores the link.
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
