//! What all reads share: the permission check, the condition on visible records, and the check that the catalog has not
//! changed since the read was planned.

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

/// Alias of the table.
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

/// Starts a statement: the catalog's version, then what the caller adds.
pub(super) fn select(ctx: &Ctx) -> Sql {
    let mut sql = Sql::new(ctx.db.dialect());
    sql.push("SELECT (SELECT catalog_version FROM \"tenant\".\"clock\")");
    sql
}

/// Joins conditions.
#[derive(Default)]
pub(super) struct Conditions {
    begun: bool,
}

impl Conditions {
    /// The keyword before the next condition.
    pub fn next<'s>(&mut self, sql: &'s mut Sql) -> &'s mut Sql {
        sql.push(if std::mem::replace(&mut self.begun, true) { " AND " } else { " WHERE " })
    }

    /// The condition on visible records: archived or not, matching the filter, and within the row scope of the caller's
    /// role.
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

/// Runs a statement that [`select`] started.
///
/// # Errors
/// `STALE_CATALOG` if the catalog changed since the read was planned, also if nothing was found or the statement
/// failed, because a column may have been dropped.
pub(super) async fn fetch(ctx: &Ctx, db: &impl ConnectionTrait, sql: Sql) -> Result<Vec<QueryResult>> {
    let found = db.query_all_raw(sql.statement(&ctx.db)).await.map_err(Error::from);
    let seen = match &found {
        Ok(rows) if !rows.is_empty() => Ok(rows[0].try_get_by_index(0)?),
        // use the same connection: a second one might be held by others who wait for this one
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

/// The current version of the catalog in the database.
async fn version(ctx: &Ctx, db: &impl ConnectionTrait) -> Result<i64> {
    let statement = ctx.db.statement("SELECT catalog_version FROM \"tenant\".\"clock\"", Vec::new());
    match db.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Err(Error::internal("the tenant has no clock row")),
    }
}

/// `STALE_CATALOG` if the catalog changed since this context was created. An endpoint checks it before it answers that
/// a name does not exist: another process may have just created it.
pub async fn verify(ctx: &Ctx) -> Result<()> {
    if version(ctx, &ctx.db).await? == ctx.catalog.version { Ok(()) } else { Err(Error::of(Code::StaleCatalog)) }
}
