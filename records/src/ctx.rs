//! The first argument of every service function: the caller, the catalog and the tenant's space.

use std::sync::Arc;

use tenants::{Caller, TenantDb, TenantTx, error::Result};

use crate::{catalog::Catalog, rules::RuleSet, values::Locale};

/// One caller, one version of the catalog, one tenant.
#[derive(Clone)]
pub struct Ctx {
    /// Who makes the request, and from where.
    pub caller: Arc<Caller>,
    /// The objects and fields that this request was planned with.
    pub catalog: Arc<Catalog>,
    /// The tenant's space, or an open transaction in it.
    pub db: TenantDb,
    /// The rules of the objects.
    pub rules: Arc<RuleSet>,
}

impl Ctx {
    /// The context of a new request, with the newest catalog this process knows.
    pub async fn open(caller: Arc<Caller>, db: TenantDb, rules: Arc<RuleSet>) -> Result<Self> {
        let catalog = crate::catalog::current(&db).await?;
        Ok(Self { caller, catalog, db, rules })
    }

    /// The organisation's conventions for reading values.
    pub fn locale(&self) -> Locale {
        Locale::of(self.db.settings(), self.catalog.rates.clone())
    }

    /// The same request inside an open transaction: everything it reads and writes is part of it.
    pub fn inside(&self, tx: &TenantTx) -> Self {
        Self { db: self.db.inside(tx), ..self.clone() }
    }

    /// Begins a write transaction and returns the request inside it. The rest of the service uses that and not the
    /// pool, so it never waits for a second connection while it holds one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_write(&self) -> Result<(Self, TenantTx)> {
        let tx = self.db.begin_write().await?;
        Ok((self.inside(&tx), tx))
    }

    /// The same request with the catalog read again, after `STALE_CATALOG`.
    pub async fn refreshed(&self) -> Result<Self> {
        let catalog = crate::catalog::reload(&self.db).await?;
        Ok(Self { catalog, ..self.clone() })
    }
}
