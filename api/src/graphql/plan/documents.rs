//! Prepared documents, cached by shape of the API and text, so that a client's query is validated once.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::Prepared;
use crate::graphql::{
    errors::Refusal,
    schema::{Fingerprint, Schema},
};

/// Valid documents, limited in bytes.
pub struct Documents(Cache<Key, Arc<Entry>, Bytes>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    shape: Fingerprint,
    document: [u8; 32],
}

struct Entry {
    prepared: Arc<Prepared>,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Entry>> for Bytes {
    fn weight(&self, _: &Key, entry: &Arc<Entry>) -> u64 {
        entry.bytes
    }
}

impl Documents {
    /// A cache of at most this many bytes.
    pub fn new(bytes: u64) -> Self {
        // a prepared document of one screen takes about 20 kB
        Self(Cache::with_weighter(usize::try_from(bytes / 20_000).unwrap_or(usize::MAX), bytes, Bytes))
    }

    /// The prepared document; it is prepared now if it is not cached.
    ///
    /// # Errors
    /// As [`Prepared::new`]; failures are not cached.
    pub async fn prepare(
        &self,
        schema: &Schema,
        text: &str,
        operation: Option<&str>,
    ) -> Result<Arc<Prepared>, Refusal> {
        let mut hash = Sha256::new();
        hash.update(operation.unwrap_or_default().as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        let key = Key { shape: schema.fingerprint, document: hash.finalize().into() };
        if let Some(entry) = self.0.get(&key) {
            return Ok(Arc::clone(&entry.prepared));
        }
        let prepared = Arc::new(Prepared::new(schema, text, operation).await?);
        // a parsed and planned document takes about sixty times its text
        let entry = Entry { prepared: Arc::clone(&prepared), bytes: 2_000 + text.len() as u64 * 60 };
        self.0.insert(key, Arc::new(entry));
        Ok(prepared)
    }

    /// Hits, misses, documents and bytes in the cache.
    pub fn numbers(&self) -> [u64; 4] {
        [self.0.hits(), self.0.misses(), self.0.len() as u64, self.0.weight()]
    }
}
