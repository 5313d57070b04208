//! A PostgreSQL database that holds many tenants, a schema each.

use std::{str::FromStr, sync::Arc, time::Duration};

use entities::ids::TenantId;
use sea_orm::{DatabaseConnection, DbErr, SqlxPostgresConnector};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The quoted name of a tenant's schema: `"t_0190…"`.
#[derive(Clone, Debug)]
pub struct SchemaName(Arc<str>);

impl SchemaName {
    /// The schema of a tenant.
    pub fn of(tenant: TenantId) -> Self {
        Self(format!("\"t_{}\"", tenant.0.simple()).into())
    }

    /// Without quotes, as the system catalog knows it.
    pub fn plain(&self) -> &str {
        self.0.trim_matches('"')
    }

    /// With its quotes.
    pub fn quoted(&self) -> &str {
        &self.0
    }
}

/// Connections to one PostgreSQL database, shared by its tenants. They keep no state of any of them.
#[derive(Clone, Debug)]
pub struct PostgresPool {
    connection: DatabaseConnection,
    size: u32,
}

impl PostgresPool {
    /// Connects at first use; `size` connections at most.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn open(url: &str, size: u32, statement_cache: usize) -> Result<Self, DbErr> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))?
            .application_name("clientele")
            .statement_cache_capacity(statement_cache)
            .options([("statement_timeout", "60s"), ("timezone", "UTC"), ("client_min_messages", "warning")]);
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(Duration::from_secs(5))
            .max_lifetime(Duration::from_secs(30 * 60))
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { connection: SqlxPostgresConnector::from_sqlx_postgres_pool(pool), size })
    }

    /// The connections, for the control plane and for making schemas.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// How many connections there may be.
    pub fn size(&self) -> u32 {
        self.size
    }
}
