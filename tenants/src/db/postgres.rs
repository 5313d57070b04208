//! A PostgreSQL database that holds many tenants, one schema each.

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

    /// Without quotes, as in the system catalog.
    pub fn plain(&self) -> &str {
        self.0.trim_matches('"')
    }

    /// With quotes.
    pub fn quoted(&self) -> &str {
        &self.0
    }
}

/// Fewest connections of a group, so that one slow statement does not block the group's other tenants.
const LEAST: u32 = 5;
/// Most groups.
const GROUPS: u32 = 8;

/// Connections to one PostgreSQL database, shared by its tenants. They keep no state of a tenant, but each connection
/// caches the statements and tables it has used, and the first use costs the server a millisecond or more. So
/// connections are split into groups, and a tenant always uses the same group. With a thousand tenants in turn this is
/// several times faster.
#[derive(Clone, Debug)]
pub struct PostgresPool {
    groups: Arc<[Group]>,
}

#[derive(Clone, Debug)]
struct Group {
    connections: DatabaseConnection,
    size: u32,
}

impl PostgresPool {
    /// Opens the pool; it connects at first use. `size` is the most connections.
    ///
    /// # Errors
    /// If the address cannot be parsed.
    pub fn open(url: &str, size: u32, statement_cache: usize) -> Result<Self, DbErr> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))?
            .application_name("clientele")
            .statement_cache_capacity(statement_cache)
            .options([("statement_timeout", "60s"), ("timezone", "UTC"), ("client_min_messages", "warning")]);
        let groups = sizes(size).map(|size| Group { connections: connect(options.clone(), size), size });
        Ok(Self { groups: groups.collect() })
    }

    /// The connections that a tenant uses.
    pub fn of(&self, tenant: TenantId) -> &DatabaseConnection {
        &self.group(tenant).connections
    }

    /// How many connections one tenant may hold at once, so that a busy tenant leaves some for the others.
    pub fn share(&self, tenant: TenantId) -> usize {
        (self.group(tenant).size * 4 / 5).max(1) as usize
    }

    fn group(&self, tenant: TenantId) -> &Group {
        // the last bits of an id are random
        let index = tenant.0.as_u128() % self.groups.len() as u128;
        &self.groups[index as usize]
    }
}

/// The connections of each group.
fn sizes(all: u32) -> impl Iterator<Item = u32> {
    let groups = (all / LEAST).clamp(1, GROUPS);
    (0..groups).map(move |group| all / groups + u32::from(group < all % groups))
}

fn connect(options: PgConnectOptions, size: u32) -> DatabaseConnection {
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(5))
        .max_lifetime(Duration::from_secs(30 * 60))
        .test_before_acquire(false)
        .connect_lazy_with(options);
    SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_all_connections_between_them() {
        for (all, expected) in [(1, vec![1]), (9, vec![9]), (20, vec![5; 4]), (23, vec![6, 6, 6, 5]), (80, vec![10; 8])]
        {
            assert_eq!(sizes(all).collect::<Vec<_>>(), expected);
        }
    }
}
