//! The origins from which browsers may call an organisation's endpoints (CORS). The list is in the control plane. A
//! preflight brings no credential, so on the short addresses it is answered by the lists of all organisations together;
//! the request that follows is checked against its own organisation's list.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entities::{
    control::{origins, tenants},
    ids::TenantId,
};
use quick_cache::sync::Cache;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use url::{Host, Origin, Url};

use crate::{
    access::Permission,
    caller::Caller,
    control::Control,
    db::TenantDb,
    error::{Error, FieldIssue, Issue, Result},
    watch::revoked,
};

/// How long an answer about an origin is cached.
const TRUST: Duration = Duration::from_secs(1);
/// Most origins in the cache.
const REMEMBERED: usize = 10_000;
/// Most origins of one organisation.
const MOST: usize = 20;
/// Longest origin, bytes.
const LONGEST: usize = 300;

/// Which organisations list an origin, as of a moment ago.
pub struct Origins {
    control: Control,
    recent: Cache<String, (Instant, Arc<[TenantId]>)>,
}

impl Origins {
    /// The origins of an installation.
    pub fn new(control: Control) -> Self {
        Self { control, recent: Cache::new(REMEMBERED) }
    }

    /// Whether any organisation lists an origin.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn any(&self, origin: &str) -> Result<bool> {
        Ok(!self.of(origin).await?.is_empty())
    }

    /// Whether an organisation lists an origin.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn allow(&self, tenant: TenantId, origin: &str) -> Result<bool> {
        Ok(self.of(origin).await?.contains(&tenant))
    }

    /// [`Origins::allow`], read at this instant or later.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn allow_since(&self, since: Instant, tenant: TenantId, origin: &str) -> Result<bool> {
        Ok(self.read(origin, |seen| seen >= since).await?.contains(&tenant))
    }

    /// Whether the organisation with a slug lists an origin; false where there is none.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn allow_slug(&self, slug: &str, origin: &str) -> Result<bool> {
        let listing = self.of(origin).await?;
        if listing.is_empty() {
            return Ok(false);
        }
        let query = tenants::Entity::find().filter(tenants::Column::Slug.eq(slug));
        Ok(query.one(self.control.read()).await?.is_some_and(|tenant| listing.contains(&tenant.id)))
    }

    async fn of(&self, origin: &str) -> Result<Arc<[TenantId]>> {
        self.read(origin, |seen| seen.elapsed() < TRUST).await
    }

    /// Who lists an origin; from the cache, if the time when it was read is good enough.
    async fn read(&self, origin: &str, good: impl Fn(Instant) -> bool) -> Result<Arc<[TenantId]>> {
        if origin.len() > LONGEST {
            return Ok(Arc::default());
        }
        if let Some((seen, listing)) = self.recent.get(origin)
            && good(seen)
        {
            return Ok(listing);
        }
        let seen = Instant::now();
        let rows = origins::Entity::find().filter(origins::Column::Origin.eq(origin)).all(self.control.read()).await?;
        let listing: Arc<[TenantId]> = rows.into_iter().map(|row| row.tenant_id).collect();
        self.recent.insert(origin.to_owned(), (seen, Arc::clone(&listing)));
        Ok(listing)
    }
}

/// Lists the origins of an organisation.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn list(db: &TenantDb, caller: &Caller) -> Result<Vec<String>> {
    caller.demand(Permission::ManageSecurity)?;
    let rows = origins::Entity::find()
        .filter(origins::Column::TenantId.eq(db.tenant()))
        .order_by_asc(origins::Column::Origin)
        .all(db.control().read())
        .await?;
    Ok(rows.into_iter().map(|row| row.origin).collect())
}

/// Replaces the origins of an organisation. It takes effect within a second on every node.
///
/// # Errors
/// `FORBIDDEN`; `VALIDATION_FAILED` with the position of an invalid origin.
pub async fn set(db: &TenantDb, caller: &Caller, wanted: &[String]) -> Result<()> {
    caller.demand(Permission::ManageSecurity)?;
    let issue = |field: String, what: &'static str| FieldIssue { field, issue: Issue::WrongType(what.into()) };
    if wanted.len() > MOST {
        return Err(Error::invalid(vec![issue("origins".to_owned(), "20 origins at most")]));
    }
    let wrong: Vec<FieldIssue> = wanted
        .iter()
        .enumerate()
        .filter(|(_, origin)| !is_origin(origin))
        .map(|(place, _)| {
            issue(format!("origins.{place}"), "an origin such as https://app.example.com, without a path")
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Error::invalid(wrong));
    }
    let tx = db.control().begin().await?;
    origins::Entity::delete_many().filter(origins::Column::TenantId.eq(db.tenant())).exec(&tx).await?;
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let rows =
        wanted.into_iter().map(|origin| origins::ActiveModel { origin: Set(origin), tenant_id: Set(db.tenant()) });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        origins::Entity::insert_many(rows).exec_without_returning(&tx).await?;
    }
    revoked(&tx, db.tenant().0, caller.clock.micros()).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a text is an origin exactly as browsers send it: HTTPS, or HTTP to this machine.
fn is_origin(text: &str) -> bool {
    let Some(url) = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| Url::parse(text).ok()) else {
        return false;
    };
    let Origin::Tuple(scheme, host, _) = url.origin() else { return false };
    let here = match &host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    // no wildcards: the text is compared as it is, so a pattern would never match
    let exact = !text.contains('*');
    exact && (scheme == "https" || scheme == "http" && here) && url.origin().ascii_serialization() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_and_safe_origins_are_taken() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:5173",
            "http://127.0.0.1:3000",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "http://app.example.com",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://APP.example.com",
            "https://me@app.example.com",
            "https://*.example.com",
            "app.example.com",
            "file:///etc",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
