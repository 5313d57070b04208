//! Organisations can require a second factor. Somebody without one can still sign in to their account and set it up
//! there; until then the organisation's own endpoints refuse them. API keys are not affected.

use entities::{control::policies, ids::TenantId};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::Identity;
use crate::{
    Caller, Permission, TenantDb,
    control::Control,
    error::{Code, Error, Result},
    watch::revoked,
};

impl Identity {
    /// Refuses a session without second factor if the organisation requires one.
    pub(in super::super) async fn enough(&self, tenant: TenantId, two_factors: bool) -> Result<()> {
        if two_factors || !asked(self.registry.control(), tenant).await? {
            return Ok(());
        }
        Err(Error::of(Code::SecondFactorRequired))
    }
}

async fn asked(control: &Control, tenant: TenantId) -> Result<bool> {
    let policy = policies::Entity::find_by_id(tenant).one(control.read()).await?;
    Ok(policy.is_some_and(|policy| policy.two_factors))
}

/// Whether the organisation requires a second factor.
///
/// # Errors
/// When the control plane does not answer.
pub async fn are_two_factors_required(db: &TenantDb) -> Result<bool> {
    asked(db.tickets().control(), db.tenant()).await
}

/// Makes the organisation require a second factor, or stop requiring it. It takes effect within a second.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn require_two_factors(db: &TenantDb, caller: &Caller, required: bool) -> Result<()> {
    caller.demand(Permission::ManageSecurity)?;
    let row = policies::ActiveModel { tenant_id: Set(db.tenant()), two_factors: Set(required) };
    let again = OnConflict::column(policies::Column::TenantId).update_column(policies::Column::TwoFactors).to_owned();
    let tx = db.control().begin().await?;
    policies::Entity::insert(row).on_conflict(again).exec_without_returning(&tx).await?;
    revoked(&tx, db.tenant().0, caller.clock.micros()).await?;
    tx.commit().await?;
    Ok(())
}
