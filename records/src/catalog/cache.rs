//! Snapshots of catalogs that this process knows, bounded in bytes. A snapshot may be old: the first data statement
//! of a request tells (design §4), and then [`reload`] is asked for the newest.

use std::sync::{Arc, LazyLock};

use entities::ids::TenantId;
use quick_cache::{Weighter, sync::Cache};
use sea_orm::TransactionSession;
use tenants::{TenantDb, error::Result};

use super::{Catalog, store};

/// Bytes of all snapshots together.
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

/// The newest catalog that this process knows of the tenant; read once however many ask at the same time.
pub async fn current(db: &TenantDb) -> Result<Arc<Catalog>> {
    SNAPSHOTS.get_or_insert_async(&db.tenant(), load(db)).await
}

/// The catalog as the database has it now.
pub async fn reload(db: &TenantDb) -> Result<Arc<Catalog>> {
    let version = store::version(db).await?;
    loop {
        SNAPSHOTS.remove_if(&db.tenant(), |known| known.version != version);
        let catalog = current(db).await?;
        // another task's load may have begun before the version that we saw
        if catalog.version >= version {
            return Ok(catalog);
        }
    }
}

/// Makes a snapshot known that this process has just committed.
pub(super) fn remember(db: &TenantDb, catalog: Arc<Catalog>) {
    SNAPSHOTS.insert(db.tenant(), catalog);
}

/// Forgets a tenant's snapshot: it was closed, moved or restored.
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
