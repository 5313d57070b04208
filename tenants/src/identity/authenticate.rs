//! From a bearer credential to who it is and what they may do; remembered for a second, so that a revoked key, an
//! ended session or a removed member is refused within that second on every node.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::{
    ids::{RoleId, TenantId},
    tenant::members,
};
use sea_orm::EntityTrait;
use sha2::{Digest, Sha256};

use super::{Identity, Visit, api_keys::looks_like_key};
use crate::{
    access::{self, Access},
    caller::Actor,
    db::TenantDb,
    error::{Code, Error, Result},
};

/// How long a recognised credential is trusted without another look.
const TRUST: Duration = Duration::from_secs(1);

/// Who a credential belongs to.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: TenantId,
    pub actor: Actor,
    pub access: Arc<Access>,
    pub db: TenantDb,
}

#[derive(Clone)]
pub(super) struct Recent {
    seen: Instant,
    /// Seconds since 1970 after which an access token has expired.
    expires: i64,
    principal: Principal,
}

impl Identity {
    /// The member or program behind a bearer credential (access token or API key).
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anything that is not a live credential of one organisation.
    pub async fn authenticate(&self, bearer: &str, _visit: &Visit) -> Result<Principal> {
        let digest: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        let now = self.registry.clock().micros() / 1_000_000;
        if let Some(recent) = self.recent.get(&digest)
            && recent.seen.elapsed() < TRUST
            && now < recent.expires
        {
            return Ok(recent.principal);
        }
        let (principal, expires) =
            if looks_like_key(bearer) { self.by_key(bearer).await? } else { self.by_token(bearer).await? };
        self.recent.insert(digest, Recent { seen: Instant::now(), expires, principal: principal.clone() });
        Ok(principal)
    }

    async fn by_key(&self, key: &str) -> Result<(Principal, i64)> {
        let found = self.find_api_key(key).await?;
        let (tenant, row) = found.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        let principal = self.principal(tenant, Actor::ApiKey(row.id), row.role_id).await?;
        Ok((principal, i64::MAX))
    }

    async fn by_token(&self, token: &str) -> Result<(Principal, i64)> {
        let claims = self.signer.read(token, self.registry.clock())?;
        let (Some(tenant), Some(member)) = (claims.tid, claims.mid) else {
            return Err(Error::new(
                Code::Unauthenticated,
                "The access token names no organisation; use `refresh` with the slug of one.",
            ));
        };
        let session = self.live(claims.sid).await?;
        session.filter(|session| session.user_id == claims.sub).ok_or_else(|| Error::of(Code::Unauthenticated))?;
        let db = self.registry.space(tenant).await?;
        let row = members::Entity::find_by_id(member).one(&db).await?;
        let row = row
            .filter(|row| row.user_id == claims.sub && row.archived_at.is_none())
            .ok_or_else(|| Error::of(Code::Unauthenticated))?;
        Ok((self.principal(tenant, Actor::Member(member), row.role_id).await?, claims.exp))
    }

    async fn principal(&self, tenant: TenantId, actor: Actor, role: RoleId) -> Result<Principal> {
        let db = self.registry.space(tenant).await?;
        let member = if let Actor::Member(id) = actor { Some(id) } else { None };
        let access = Arc::new(access::of_role(&db, role, member).await?);
        Ok(Principal { tenant, actor, access, db })
    }
}
