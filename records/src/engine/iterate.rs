//! Walks over the records that match a filter, in batches: for work on many records that takes more than one
//! transaction, a run, or several jobs.
//!
//! Records come in the order of their ids, each once. A walk is where it is by the last id alone, so it can be stored,
//! and continued by another process. Records created after it began are not part of it, and "today" means in all its
//! batches what it meant at the beginning. A record that ceases to match before its batch comes is left out.

use entities::ids::{FieldId, ObjectId, RecordId};
use tenants::{
    Operation,
    error::{Error, Result},
};

use super::{
    Row,
    list::Cells,
    read::{self, ALIAS, Conditions, FIRST},
};
use crate::{
    Ctx,
    catalog::Object,
    filter::{self, Filter, Scope},
    permission,
    sql::Sql,
};

/// Most records of one batch.
pub const MOST: usize = 2_000;

/// Which records are walked over, and what is read of them.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// The object.
    pub object: ObjectId,
    /// Which of its records that are not archived.
    pub filter: &'a Filter,
    /// Fields to read, in the order of [`Row::cells`].
    pub select: &'a [FieldId],
    /// What the caller is going to do to them: only records that their role lets them do it to are walked over.
    pub operation: Operation,
    /// When it began, microseconds UTC.
    pub began: i64,
}

impl Walk<'_> {
    /// How many records it comes to, as it looks now.
    ///
    /// # Errors
    /// `FORBIDDEN`; `BAD_FILTER`; `STALE_CATALOG`.
    pub async fn count(&self, ctx: &Ctx) -> Result<i64> {
        let mut sql = read::select(ctx);
        sql.push(", count(*)");
        self.matching(ctx, self.object(ctx)?, &mut sql)?;
        match read::fetch(ctx, &ctx.db, sql).await?.first() {
            Some(row) => Ok(row.try_get_by_index(FIRST)?),
            None => Err(Error::internal("a count returned no row")),
        }
    }

    /// The next records after one, at most `limit` (and never more than [`MOST`]). Fewer than that are the last. Inside
    /// a write transaction, pass its [`inside`](super::WriteTransaction::inside).
    ///
    /// # Errors
    /// As [`Walk::count`].
    pub async fn batch(&self, ctx: &Ctx, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        let object = self.object(ctx)?;
        let mut sql = read::select(ctx);
        sql.push(", ");
        let cells = Cells::select(ctx, object, self.select, &mut sql, None)?;
        let mut conditions = self.matching(ctx, object, &mut sql)?;
        if let Some(after) = after {
            conditions.next(&mut sql).column(ALIAS, "id").push(" > ").bind(after.0);
        }
        sql.push(" ORDER BY ").column(ALIAS, "id").push(" LIMIT ").number(limit.min(MOST) as i64);
        let found = read::fetch(ctx, &ctx.db, sql).await?;
        found.iter().map(|row| cells.row(row).map(|(row, _)| row)).collect()
    }

    fn object<'c>(&self, ctx: &'c Ctx) -> Result<&'c Object> {
        let object = ctx.catalog.object_by_id(self.object);
        let object = object.ok_or_else(|| Error::internal(format!("object {} is not in the catalog", self.object)))?;
        permission::permit(ctx, object, self.operation)?;
        Ok(object)
    }

    fn matching(&self, ctx: &Ctx, object: &Object, sql: &mut Sql) -> Result<Conditions> {
        sql.push(" FROM ").table(&object.table).push(" AS ").push(ALIAS);
        let mut conditions = Conditions::default();
        if object.field("archivedAt").is_some() {
            conditions.next(sql).column(ALIAS, "archived_at").push(" IS NULL");
        }
        conditions.next(sql).column(ALIAS, "created_at").push(" <= ").bind(self.began);
        let asked = Scope { now: self.began, ..Scope::asked(ctx) };
        filter::predicate(conditions.next(sql), asked, object, ALIAS, self.filter)?;
        if let Some(reached) = permission::rows(ctx, object, self.operation)? {
            filter::predicate(conditions.next(sql), Scope::of(ctx), object, ALIAS, &reached)?;
        }
        Ok(conditions)
    }
}
