//! Schemas by the shape of the API, so that tenants of equal shape share one. A request finds its schema by its
//! catalog without computing the shape, as long as the catalog is the one it was found for before.

use std::sync::{Arc, Weak};

use entities::ids::TenantId;
use quick_cache::{Weighter, sync::Cache};
use records::catalog::Catalog;
use tenants::error::Result;

use super::{
    operations::Table,
    schema::{self, Fingerprint, Schema},
};

/// Schemas up to a number of bytes.
pub struct Schemas {
    shapes: Cache<Fingerprint, Arc<Schema>, Bytes>,
    /// The last catalog of each tenant and its schema; neither is kept alive by it.
    recent: Cache<TenantId, (Weak<Catalog>, Weak<Schema>)>,
    /// The operations of all schemas.
    table: Arc<Table>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Fingerprint, Arc<Schema>> for Bytes {
    fn weight(&self, _: &Fingerprint, schema: &Arc<Schema>) -> u64 {
        schema.bytes
    }
}

/// Tenants whose last catalog is remembered.
const RECENT: usize = 10_000;

impl Schemas {
    /// A cache of at most this many bytes; one schema always fits.
    pub fn new(bytes: u64, table: Arc<Table>) -> Self {
        let typical = 2_000_000;
        let items = usize::try_from(bytes / typical).unwrap_or(usize::MAX).max(4);
        Self { shapes: Cache::with_weighter(items, bytes, Bytes), recent: Cache::new(RECENT), table }
    }

    /// The schema of a tenant's catalog; made once, however many ask at the same time.
    ///
    /// # Errors
    /// As [`Schema::build`].
    pub async fn of(&self, tenant: TenantId, catalog: &Arc<Catalog>) -> Result<Arc<Schema>> {
        if let Some((known, schema)) = self.recent.get(&tenant)
            && std::ptr::eq(known.as_ptr(), Arc::as_ptr(catalog))
            && let Some(schema) = schema.upgrade()
        {
            return Ok(schema);
        }
        let fingerprint = schema::fingerprint(catalog);
        let build = async { Schema::build(catalog, &self.table).map(Arc::new) };
        let schema = self.shapes.get_or_insert_async(&fingerprint, build).await?;
        self.recent.insert(tenant, (Arc::downgrade(catalog), Arc::downgrade(&schema)));
        Ok(schema)
    }

    /// Hits, misses, schemas and bytes held.
    pub fn numbers(&self) -> [u64; 4] {
        [self.shapes.hits(), self.shapes.misses(), self.shapes.len() as u64, self.shapes.weight()]
    }
}
