//! Reads tenants' clocks: in PostgreSQL those of many tenants in one statement.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::{
    db::TenantDb,
    error::{Error, Result},
};

/// Most tenants in one statement.
pub(super) const AT_ONCE: usize = 100;

/// What a tenant's clock shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// The number of the last commit.
    pub seq: i64,
    /// The version of what members and keys may do.
    pub access: i64,
}

impl ClockReading {
    fn of(row: &QueryResult) -> Result<Self> {
        Ok(Self { seq: row.try_get_by_index(0)?, access: row.try_get_by_index(1)? })
    }
}

/// The clock of one tenant.
pub(super) async fn read(db: &TenantDb) -> Result<ClockReading> {
    let statement = db.statement(r#"SELECT seq, access_version FROM "tenant"."clock""#, Vec::new());
    let row = db.query_one_raw(statement).await?;
    ClockReading::of(&row.ok_or_else(|| Error::internal("the tenant has no clock row"))?)
}

/// The clocks of tenants in the same PostgreSQL database, in the given order.
pub(super) async fn read_together(spaces: &[&TenantDb]) -> Result<Vec<ClockReading>> {
    let mut sql = String::new();
    for (n, space) in spaces.iter().enumerate() {
        let schema = space.schema().ok_or_else(|| Error::internal("a tenant without a schema"))?;
        let union = if n == 0 { "" } else { " UNION ALL " };
        write!(sql, "{union}SELECT seq, access_version, {n} AS n FROM {}.\"clock\"", schema.quoted())
            .map_err(Error::internal)?;
    }
    sql.push_str(" ORDER BY n");
    let Some(pool) = spaces.first().and_then(|space| space.pool()) else { return Ok(Vec::new()) };
    let rows = pool.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    if rows.len() != spaces.len() {
        return Err(Error::internal("a tenant has no clock row"));
    }
    rows.iter().map(ClockReading::of).collect()
}
