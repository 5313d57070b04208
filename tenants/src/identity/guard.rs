//! One way to try a password: counted, bounded, told to the security log.

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

    /// Tells the organisation that somebody came in; the person's own log where none was named.
    pub(super) async fn tell_signed_in(&self, user: UserId, tenant: Option<TenantId>, client: &ClientInfo) {
        let event = Event::new(Kind::SignedIn).from(client);
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

/// Keeps a person as they are until the transaction ends. Verifying a password takes a while: what it opens is opened only
/// if it still is the person's.
///
/// # Errors
/// `BAD_CREDENTIALS` when the person has another password now, or is gone.
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
    // a sign-in that names no organisation is the person's own affair
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

/// Notes what happened to a person in these organisations, as far as they are members there. Answers whether one of them
/// knows it now: an organisation that cannot be opened keeps nobody from what they do.
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
