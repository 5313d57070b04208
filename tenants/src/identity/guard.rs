//! The only way to check a password: attempts are counted, limited and recorded in the security log.

use std::sync::Arc;

use entities::{
    control::{memberships, users},
    ids::{TenantId, UserId},
};

use sea_orm::DatabaseTransaction;

use super::{ClientInfo, Identity, lockout::Guessed};
use crate::{
    caller::Actor,
    error::{Code, Error, Result},
    registry::{Registry, hold},
    security_log::{self, Event, Kind},
};

/// In how many organisations of a person a failure is recorded.
const TOLD: usize = 5;

impl Identity {
    /// Whether the password belongs to the account (an email address in its compared form). `user` is the account's
    /// owner, if it exists.
    ///
    /// # Errors
    /// `RATE_LIMITED` after too many wrong ones; `BUSY` if too many passwords are being checked.
    pub(super) async fn prove(
        &self,
        account: &str,
        user: Option<&users::Model>,
        password: &str,
        client: &ClientInfo,
    ) -> Result<bool> {
        let attempt = self.attempt(Guessed::Password, account, client.known_device(account, user), client).await?;
        let locks = attempt.locks();
        let right = match self.verify(password, user.map(|user| user.password_hash.clone()), client.network()).await {
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
        self.tell_later(user.map(|user| user.id), Event::new(kind).from(client));
        Ok(false)
    }

    /// Records a sign-in in the organisation's log, or in the person's own log if no organisation was named.
    pub(super) async fn tell_signed_in(&self, user: UserId, tenant: Option<TenantId>, client: &ClientInfo) {
        let event = Event::new(Kind::SignedIn).from(client);
        if let Err(error) = tell(&self.registry, Some(user), tenant, event).await {
            tracing::error!(error = error.log_line(), "a sign-in is missing in the security log");
        }
    }

    /// Records it in the background: waiting would reveal whether the account exists.
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

/// Locks a person's row until the transaction ends. Checking a password takes a while, so what it opens is opened only
/// if it is still the person's password.
///
/// # Errors
/// `BAD_CREDENTIALS` if the password was changed meanwhile, or the account is gone.
pub(super) async fn unchanged(tx: &DatabaseTransaction, user: &users::Model) -> Result<()> {
    let same = hold(tx, user.id).await?.is_some_and(|now| now.password_hash == user.password_hash);
    if same { Ok(()) } else { Err(Error::of(Code::BadCredentials)) }
}

async fn tell(registry: &Registry, user: Option<UserId>, tenant: Option<TenantId>, event: Event) -> Result<()> {
    let now = registry.clock().micros();
    let memberships = match user {
        Some(user) => registry.of_user(user).await?,
        None => Vec::new(),
    };
    // a sign-in that names no organisation is recorded in the person's own log
    let hears = |id: &TenantId| match tenant {
        Some(tenant) => tenant == *id,
        None => event.kind() != Kind::SignedIn,
    };
    let places = memberships.iter().map(|(row, _)| row).filter(|row| hears(&row.tenant_id)).take(TOLD);
    if !note_in(registry, places, &event, now).await {
        security_log::note_person(registry.control().write(), user, event, now).await?;
    }
    Ok(())
}

/// Records an event about a person in the logs of these organisations, where they are a member. Returns whether one of
/// them has recorded it: an organisation that cannot be opened must not stop the person.
pub(super) async fn note_in(
    registry: &Registry,
    places: impl Iterator<Item = &memberships::Model>,
    event: &Event,
    now: i64,
) -> bool {
    let mut reported = false;
    for row in places {
        let noted = async {
            let Some(space) = registry.place(row).await? else { return Ok(false) };
            security_log::note(&space, event.clone().by(Actor::Member(row.member_id)), now).await.map(|()| true)
        };
        match noted.await {
            Ok(noted) => reported |= noted,
            Err(error) => {
                let line = error.log_line();
                tracing::warn!(tenant.id = %row.tenant_id, error = line, "an event is missing in a security log");
            }
        }
    }
    reported
}
