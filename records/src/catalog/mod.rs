//! What an organisation's data looks like, and how admins change it.

mod lookup;
mod model;

use std::sync::Arc;

pub use model::*;
use tenants::{TenantDb, error::Result};

/// The newest catalog that this process knows of the tenant.
pub async fn current(db: &TenantDb) -> Result<Arc<Catalog>> {
    reload(db).await
}

/// The catalog as the database has it now.
pub async fn reload(_db: &TenantDb) -> Result<Arc<Catalog>> {
    Err(tenants::Error::of(tenants::Code::Unavailable))
}
