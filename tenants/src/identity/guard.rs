//! One way to try a password: counted, bounded, told to the security log.

use std::sync::Arc;

use entities::{
    control::users,
    ids::{TenantId, UserId},
};

use super::{Identity, Visit};
use crate::{
    caller::Actor,
    error::Result,
    registry::Registry,
    security_log::{self, Event, Kind},
};

/// Organisations of one person that hear of a failure.
const TOLD: usize = 5;

impl Identity {
    /// Whether a password is that of an account (an email address as compared); `user` is who has it, if anybody.
    ///
    /// # Errors
    /// `RATE_LIMITED` after too many wrong ones, `BUSY` when too many passwords are being tried.
    pub(super) async fn prove(
        &self,
        account: &str,
        user: Option<&users::Model>,
        password: &str,
        visit: &Visit,
    ) -> Result<bool> {
        let attempt = self.attempt(account, visit).await?;
        let locks = attempt.locks();
        let right = match self.verify(password, user.map(|user| user.password_hash.clone())).await {
            Ok(right) => right,
            Err(error) => {
                self.attempt_undone(attempt).await?;
                return Err(error);
            }
        };
        if right {
            self.attempt_succeeded(attempt).await?;
            return Ok(true);
        }
        let kind = if locks { Kind::SignInLocked } else { Kind::SignInFailed };
        self.tell_later(user.map(|user| user.id), Event::new(kind).from(visit));
        Ok(false)
    }

    /// Tells the organisation that somebody came in; the person's own log where none was named.
    pub(super) async fn tell_signed_in(&self, user: UserId, tenant: Option<TenantId>, visit: &Visit) {
        let event = Event::new(Kind::SignedIn).from(visit);
        if let Err(error) = tell(&self.registry, Some(user), tenant, event).await {
            tracing::error!(error = error.log_line(), "a sign-in is missing in the security log");
        }
    }

    /// Tells it without making the answer wait, which would say whether there is such an account.
    fn tell_later(&self, user: Option<UserId>, event: Event) {
        let Ok(permit) = Arc::clone(&self.telling).try_acquire_owned() else {
            metrics::counter!("clientele_security_log_skipped_total").increment(1);
            return;
        };
        let registry = Arc::clone(&self.registry);
        tokio::spawn(async move {
            if let Err(error) = tell(&registry, user, None, event).await {
                tracing::error!(error = error.log_line(), "a failed sign-in is missing in the security log");
            }
            drop(permit);
        });
    }
}

async fn tell(registry: &Registry, user: Option<UserId>, tenant: Option<TenantId>, event: Event) -> Result<()> {
    let now = registry.clock().micros();
    let memberships = match user {
        Some(user) => registry.of_user(user).await?,
        None => Vec::new(),
    };
    let named = |id: &TenantId| tenant.is_none_or(|tenant| tenant == *id);
    let mut told = false;
    // a sign-in that names no organisation is the person's own affair
    let organisations = memberships.iter().filter(|(row, _)| named(&row.tenant_id)).take(TOLD);
    for (row, _) in organisations.filter(|_| tenant.is_some() || event.kind() != Kind::SignedIn) {
        let space = registry.space(row.tenant_id).await?;
        security_log::note(&space, event.clone().by(Actor::Member(row.member_id)), now).await?;
        told = true;
    }
    if !told {
        security_log::note_person(registry.control().write(), user, event, now).await?;
    }
    Ok(())
}
