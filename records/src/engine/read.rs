//! What every read shares: permission first, conditions on which records are seen, and the check that the catalog it
//! was planned with is still the tenant's.

use sea_orm::{ConnectionTrait, QueryResult};
use tenants::{
    Operation,
    error::{Code, Error, Result},
};

use crate::{
    Ctx,
    catalog::{Object, ObjectId},
    filter::{self, Filter, Scope},
    permission,
    sql::Sql,
};

use super::Archived;

/// Alias of the table that is read.
pub(super) const ALIAS: &str = "t0";
/// Index of the first column after the catalog's version.
pub(super) const FIRST: usize = 1;

/// The object, if the caller may read it.
pub(super) fn readable(ctx: &Ctx, id: ObjectId) -> Result<&Object> {
    let object = ctx.catalog.object_by_id(id);
    let object = object.ok_or_else(|| Error::internal(format!("object {id} is not in the catalog")))?;
    permission::permit(ctx, object, Operation::Read)?;
    Ok(object)
}

/// Begins a statement: the catalog's version, then what the caller adds.
pub(super) fn select(ctx: &Ctx) -> Sql {
    let mut sql = Sql::new(ctx.db.dialect());
    sql.push("SELECT (SELECT catalog_version FROM \"tenant\".\"clock\")");
    sql
}

/// Puts conditions one after the other.
#[derive(Default)]
pub(super) struct Conditions {
    begun: bool,
}

impl Conditions {
    /// What stands before the next condition.
    pub fn next<'s>(&mut self, sql: &'s mut Sql) -> &'s mut Sql {
        sql.push(if std::mem::replace(&mut self.begun, true) { " AND " } else { " WHERE " })
    }

    /// Which records are seen: archived ones or not, those that match the filter, and of these the ones that the
    /// caller's role reaches.
    pub fn seen(
        &mut self,
        sql: &mut Sql,
        ctx: &Ctx,
        object: &Object,
        archived: Archived,
        filter: Option<&Filter>,
    ) -> Result<()> {
        match (archived, object.field("archivedAt").is_some()) {
            (Archived::Include, _) | (Archived::Exclude, false) => {}
            (Archived::Exclude, true) => {
                self.next(sql).column(ALIAS, "archived_at").push(" IS NULL");
            }
            (Archived::Only, true) => {
                self.next(sql).column(ALIAS, "archived_at").push(" IS NOT NULL");
            }
            (Archived::Only, false) => {
                self.next(sql).push("FALSE");
            }
        }
        if let Some(filter) = filter {
            filter::predicate(self.next(sql), Scope::asked(ctx), object, ALIAS, filter)?;
        }
        match permission::rows(ctx, object, Operation::Read)? {
            Some(seen) => filter::predicate(self.next(sql), Scope::of(ctx), object, ALIAS, &seen),
            None => Ok(()),
        }
    }
}

/// Runs a statement that [`select`] began.
///
/// # Errors
/// `STALE_CATALOG` when the catalog changed since the read was planned, also when nothing was found or the statement
/// failed, for then a column may be gone.
pub(super) async fn fetch(ctx: &Ctx, db: &impl ConnectionTrait, sql: Sql) -> Result<Vec<QueryResult>> {
    let found = db.query_all_raw(sql.statement(&ctx.db)).await.map_err(Error::from);
    let seen = match &found {
        Ok(rows) if !rows.is_empty() => Ok(rows[0].try_get_by_index(0)?),
        // asked on the same connection, for a second one might be waited for by those who hold the others
        Ok(_) => version(ctx, db).await,
        Err(error) if error.code() == Code::Internal => version(ctx, db).await,
        Err(_) => return found,
    };
    match seen {
        Ok(version) if version != ctx.catalog.version => Err(Error::of(Code::StaleCatalog)),
        Ok(_) => found,
        Err(error) => found.and(Err(error)),
    }
}

/// The catalog's version as the database has it now.
async fn version(ctx: &Ctx, db: &impl ConnectionTrait) -> Result<i64> {
    let statement = ctx.db.statement("SELECT catalog_version FROM \"tenant\".\"clock\"", Vec::new());
    match db.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Err(Error::internal("the tenant's clock is missing")),
    }
}

/// `STALE_CATALOG` when the catalog changed since this context was opened. An endpoint asks before it answers that a
/// name does not exist: another process may have made it a moment ago.
pub async fn verify(ctx: &Ctx) -> Result<()> {
    if version(ctx, &ctx.db).await? == ctx.catalog.version { Ok(()) } else { Err(Error::of(Code::StaleCatalog)) }
}
