//! Single sign-on by OpenID Connect. Each organisation may have its own provider. It is trusted for addresses in the
//! organisation's verified domains, and for this organisation alone.

mod links;
mod provider;
mod reach;
mod settings;

use std::sync::Arc;

use entities::ids::RoleId;

pub use provider::{Proven, Provider, Waiting};
pub use reach::Reach;
pub(crate) use settings::is_required;
pub use settings::{NewSignOn, SECRET, SignOn, domains_of, forget_domain, get, remove, set, verify_domain};

use crate::{
    db::TenantDb,
    error::{Code, Error, Result},
};

/// The provider of an organisation.
///
/// # Errors
/// `NOT_FOUND` if it has none.
pub async fn provider(db: &TenantDb, callback: String, reach: Arc<Reach>) -> Result<Provider> {
    let row = settings::row(db).await?.ok_or_else(none)?;
    let secret = db
        .key()
        .unseal_text(SECRET, &row.secret)
        .map_err(|_| Error::internal("the provider's secret cannot be unsealed"))?;
    Ok(Provider { issuer: row.issuer, client_id: row.client_id, client_secret: secret.to_string(), callback, reach })
}

/// The role of people who sign in for the first time.
///
/// # Errors
/// `NOT_FOUND` if the organisation no longer has a provider.
pub async fn role(db: &TenantDb) -> Result<RoleId> {
    Ok(settings::row(db).await?.ok_or_else(none)?.role_id)
}

fn none() -> Error {
    Error::new(Code::NotFound, "This organisation has no single sign-on.")
}
