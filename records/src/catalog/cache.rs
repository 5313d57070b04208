//! The catalog snapshots that this process has cached, limited in bytes. A snapshot may be out of date: the first data
//! statement of a request finds out (design §4), and then [`reload`] reads the newest.

use std::sync::{Arc, LazyLock};

use entities::ids::TenantId;
use quick_cache::{Weighter, sync::Cache};
use sea_orm::TransactionSession;
use tenants::{TenantDb, error::Result};

use super::{Catalog, store};

/// Most bytes of all snapshots together.
const CAPACITY: u64 = 256 * 1024 * 1024;

static SNAPSHOTS: LazyLock<Cache<TenantId, Arc<Catalog>, Bytes>> =
    LazyLock::new(|| Cache::with_weighter(1024, CAPACITY, Bytes));

#[derive(Clone)]
struct Bytes;

impl Weighter<TenantId, Arc<Catalog>> for Bytes {
    fn weight(&self, _: &TenantId, catalog: &Arc<Catalog>) -> u64 {
        catalog.weight()
    }
}

/// The newest catalog of the tenant that this process knows. It is read once, however many ask at the same time.
pub async fn current(db: &TenantDb) -> Result<Arc<Catalog>> {
    SNAPSHOTS.get_or_insert_async(&db.tenant(), load(db)).await
}

/// Reads the catalog from the database.
pub async fn reload(db: &TenantDb) -> Result<Arc<Catalog>> {
    let version = store::version(db).await?;
    loop {
        SNAPSHOTS.remove_if(&db.tenant(), |known| known.version != version);
        let catalog = current(db).await?;
        // another task may have started to load before the version that we need
        if catalog.version >= version {
            return Ok(catalog);
        }
    }
}

/// Stores a snapshot that this process has just committed.
pub(super) fn remember(db: &TenantDb, catalog: Arc<Catalog>) {
    SNAPSHOTS.insert(db.tenant(), catalog);
}

/// Drops a tenant's snapshot, because it was closed, moved or restored.
pub fn forget(tenant: TenantId) {
    SNAPSHOTS.remove(&tenant);
}

/// Bytes of all snapshots, for the metrics.
pub fn cache_bytes() -> u64 {
    SNAPSHOTS.weight()
}

async fn load(db: &TenantDb) -> Result<Arc<Catalog>> {
    let tx = db.begin_read().await?;
    let catalog = store::load(db, &tx).await?;
    tx.rollback().await?;
    Ok(Arc::new(catalog))
}
