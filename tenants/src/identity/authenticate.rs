//! Finds out who a bearer credential belongs to and what they may do. Answers are cached for half a second, so a
//! revoked key, an ended session or a removed member is refused within a second on every node. Open connections ask
//! again when they hear of a revocation (`crate::watch`), and are answered from after it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::{
    ids::{TenantId, UserId},
    tenant::members,
};
use sea_orm::EntityTrait;
use sha2::{Digest, Sha256};

use super::{ClientInfo, Identity};
use crate::{
    access::{self, Access},
    api_keys,
    caller::Actor,
    db::TenantDb,
    error::{Code, Error, Result},
    sign_on,
};

/// How long a recognised credential is trusted before it is checked again.
const TRUST: Duration = Duration::from_millis(500);

/// Who a credential belongs to.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: TenantId,
    pub actor: Actor,
    pub access: Arc<Access>,
    /// The budget of the API key, if it has one of its own.
    pub points_per_second: Option<u64>,
    /// The person behind a session.
    pub user: Option<UserId>,
    /// Seconds since 1970 after which the credential has expired.
    pub expires: i64,
    pub db: TenantDb,
}

#[derive(Clone)]
pub(super) struct Recent {
    seen: Instant,
    principal: Principal,
}

impl Identity {
    /// The member or API key behind a bearer credential.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anything that is not a valid credential of one organisation; `FORBIDDEN` for a key used
    /// from an address that it does not allow; `SECOND_FACTOR_REQUIRED` for a session without second factor where the
    /// organisation requires one.
    pub async fn authenticate(&self, bearer: &str, client: &ClientInfo) -> Result<Principal> {
        self.recognise(bearer, client, |seen| seen.elapsed() < TRUST).await
    }

    /// [`Identity::authenticate`] for an open connection: as things stood at this instant or later, whatever is cached.
    ///
    /// # Errors
    /// As [`Identity::authenticate`].
    pub async fn authenticate_since(&self, since: Instant, bearer: &str, client: &ClientInfo) -> Result<Principal> {
        self.registry.look_since(since).await?;
        self.recognise(bearer, client, |seen| seen >= since).await
    }

    async fn recognise(&self, bearer: &str, client: &ClientInfo, good: impl Fn(Instant) -> bool) -> Result<Principal> {
        // a key may be allowed from one address and refused from another
        let digest: [u8; 32] = Sha256::digest(format!("{} {bearer}", client.address)).into();
        let now = self.registry.clock().micros() / 1_000_000;
        if let Some(recent) = self.recent.get(&digest)
            && good(recent.seen)
            && now < recent.principal.expires
        {
            return Ok(recent.principal);
        }
        let seen = Instant::now();
        let principal = if api_keys::looks_like_key(bearer) {
            self.by_key(bearer, client).await
        } else {
            self.by_token(bearer).await
        };
        if principal.is_err() {
            self.recent.remove(&digest);
        }
        let principal = principal?;
        self.recent.insert(digest, Recent { seen, principal: principal.clone() });
        Ok(principal)
    }

    async fn by_key(&self, key: &str, client: &ClientInfo) -> Result<Principal> {
        let found = api_keys::find(&self.registry, key).await?.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        found.used(client, self.registry.clock().micros(), &self.telling)?;
        let access = Arc::new(api_keys::access(&found.db, &found.row).await?);
        let points_per_second = found.row.points_per_second.and_then(|points| points.try_into().ok());
        let actor = Actor::ApiKey(found.row.id);
        let expires = found.until.map_or(i64::MAX, |until| until / 1_000_000);
        Ok(Principal { tenant: found.tenant, actor, access, points_per_second, user: None, expires, db: found.db })
    }

    async fn by_token(&self, token: &str) -> Result<Principal> {
        let claims = self.signer.read(token, self.registry.clock())?;
        let (Some(tenant), Some(member)) = (claims.tid, claims.mid) else {
            return Err(Error::new(
                Code::Unauthenticated,
                "The access token names no organisation; use `refresh` with the slug of one.",
            ));
        };
        let session = self.live(claims.sid).await?;
        let session = session.filter(|session| session.user_id == claims.sub);
        let session = session.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        // the provider is responsible for second factors
        let through = session.only_tenant == Some(tenant);
        if !through {
            self.enough(tenant, session.two_factors).await?;
        }
        let db = self.registry.space(tenant).await?;
        let row = members::Entity::find_by_id(member).one(&db).await?;
        let row = row
            .filter(|row| row.user_id == claims.sub && row.archived_at.is_none())
            .ok_or_else(|| Error::of(Code::Unauthenticated))?;
        let access = Arc::new(access::of_role(&db, row.role_id, Some(member)).await?);
        if through && access::is_owner(&db, row.role_id).await? {
            // otherwise whoever chooses the provider could act as the owner
            return Err(Error::new(Code::Forbidden, "The owner signs in with their password, not through a provider."));
        }
        if !through && sign_on::is_required(&db).await? && !access::is_owner(&db, row.role_id).await? {
            let path = format!("/t/{}/sign-on", db.settings().slug);
            let message = format!("Sign in to this organisation through its provider: {path}.");
            return Err(Error::new(Code::Forbidden, message).with("signOn", path));
        }
        let (actor, user) = (Actor::Member(member), Some(claims.sub));
        Ok(Principal { tenant, actor, access, points_per_second: None, user, expires: claims.exp, db })
    }
}
