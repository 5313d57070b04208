//! Pages of records by keyset: one statement per page, however far it is.

use std::collections::HashMap;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::QueryResult;
use tenants::error::{Code, Error, Result};

use crate::{
    Ctx,
    catalog::{Field, Object},
    columns::Stored,
    filter::Filter,
    permission,
    sql::{List, Sql},
};

use super::{
    Archived, ListQuery, Listing, Row,
    cursor::{self, Position},
    decode::{self, Reading},
    order::Sorting,
    read::{self, ALIAS, Conditions, FIRST},
};

/// Most records on one page.
pub const MAX_PAGE: u32 = 200;

/// A page of matching records, in order.
///
/// # Errors
/// `FORBIDDEN`; `BAD_FILTER`; `BAD_REQUEST` for an invalid order or page size; `BAD_CURSOR`; `STALE_CATALOG` (read the
/// catalog again and plan once more).
pub async fn list(ctx: &Ctx, query: &ListQuery) -> Result<Listing> {
    let object = read::readable(ctx, query.object)?;
    let page = PagePlan::new(ctx, object, query, None)?;
    let (rows, total) = if query.total {
        let (rows, total) = futures::try_join!(page.rows(ctx), page.total(ctx))?;
        (rows, Some(total))
    } else {
        (page.rows(ctx).await?, None)
    };
    Ok(page.listing(rows, total))
}

/// Records by id, in any order; those that do not exist or cannot be seen are left out.
///
/// # Errors
/// As [`list`].
pub async fn by_ids(
    ctx: &Ctx,
    object: ObjectId,
    select: &[FieldId],
    ids: &[RecordId],
    archived: Archived,
) -> Result<HashMap<RecordId, Row>> {
    among(ctx, object, select, ids, archived, None).await
}

/// Like [`by_ids`], but only records that match.
///
/// # Errors
/// As [`list`].
pub async fn among(
    ctx: &Ctx,
    object: ObjectId,
    select: &[FieldId],
    ids: &[RecordId],
    archived: Archived,
    filter: Option<&Filter>,
) -> Result<HashMap<RecordId, Row>> {
    let object = read::readable(ctx, object)?;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = read::select(ctx);
    sql.push(", ");
    let cells = Cells::select(ctx, object, select, &mut sql, None)?;
    sql.push(" FROM ").table(&object.table).push(" AS ").push(ALIAS);
    let mut conditions = Conditions::default();
    let list = List::Ids(ids.iter().map(|id| id.0).collect());
    conditions.next(&mut sql).column(ALIAS, "id").one_of(list);
    conditions.seen(&mut sql, ctx, object, archived, filter)?;
    let found = read::fetch(ctx, &ctx.db, sql).await?;
    found.iter().map(|row| cells.row(row).map(|(row, _)| (row.id, row))).collect()
}

/// Which columns a statement returns and how they become a [`Row`].
pub(super) struct Cells {
    select: Reading,
    order: Vec<Stored>,
}

impl Cells {
    /// Adds id, the fields' columns and the order's keys to a statement that expects a column.
    pub fn select(
        ctx: &Ctx,
        object: &Object,
        select: &[FieldId],
        sql: &mut Sql,
        sorting: Option<&Sorting<'_>>,
    ) -> Result<Self> {
        sql.column(ALIAS, "id");
        let fields: Result<Vec<&Field>> = select
            .iter()
            .map(|id| {
                let field = ctx.catalog.field(*id).filter(|field| field.object == object.id);
                field.ok_or_else(|| Error::internal(format!("{} has no field {id} to select", object.name)))
            })
            .collect();
        let fields = fields?;
        fields.iter().try_for_each(|field| permission::see(ctx, field))?;
        let select = decode::select(sql, fields.into_iter())?.in_currency(ctx.db.settings().currency);
        if let Some(sorting) = sorting {
            sorting.select(sql);
        }
        Ok(Self { select, order: sorting.map(|sorting| sorting.stored().collect()).unwrap_or_default() })
    }

    /// Reads a record from a row, and the index of the column after it.
    pub fn row(&self, row: &QueryResult) -> Result<(Row, usize)> {
        let id = RecordId(decode::id(row, FIRST)?);
        let (cells, next) = decode::cells(row, FIRST + 1, &self.select, id)?;
        let (order, next) = decode::plain(row, next, &self.order)?;
        Ok((Row { id, cells, order }, next))
    }
}

/// A requested page, checked.
pub(super) struct PagePlan<'a> {
    pub object: &'a Object,
    pub query: &'a ListQuery,
    pub sorting: Sorting<'a>,
    pub position: Option<Position>,
    fingerprint: u64,
}

impl<'a> PagePlan<'a> {
    /// Checks page, order and cursor. `relation` binds cursors of related records to the relation.
    pub fn new(ctx: &'a Ctx, object: &'a Object, query: &'a ListQuery, relation: Option<FieldId>) -> Result<Self> {
        let page = &query.page;
        if !(1..=MAX_PAGE).contains(&page.limit) {
            let message = format!("A page can have 1 to {MAX_PAGE} records; {} were requested.", page.limit);
            return Err(Error::new(Code::BadRequest, message));
        }
        let sorting = Sorting::new(ctx, object, &query.order, page.backwards)?;
        let fingerprint =
            cursor::fingerprint(query.object, relation, &query.order, query.archived, query.filter.as_ref())?;
        let position = page.cursor.as_deref().map(|cursor| cursor::decode(cursor, fingerprint)).transpose()?;
        if position.as_ref().is_some_and(|position| !sorting.fits(position)) {
            return Err(Error::of(Code::BadCursor));
        }
        Ok(Self { object, query, sorting, position, fingerprint })
    }

    /// One more than wanted, to know whether more follow.
    pub fn wanted(&self) -> usize {
        self.query.page.limit as usize + 1
    }

    /// The answer, from the rows in the order they were read, including the extra one.
    pub fn listing(&self, mut rows: Vec<Row>, total: Option<i64>) -> Listing {
        let more = rows.len() >= self.wanted();
        rows.truncate(self.wanted() - 1);
        let begun = self.position.is_some();
        let backwards = self.query.page.backwards;
        if backwards {
            rows.reverse();
        }
        let (has_next, has_previous) = if backwards { (begun, more) } else { (more, begun) };
        Listing { rows, has_next, has_previous, total, fingerprint: self.fingerprint }
    }

    /// The page's rows. Values and nulls of the first key are two ranges of an index, so a page that crosses from one
    /// into the other needs a second statement.
    async fn rows(&self, ctx: &Ctx) -> Result<Vec<Row>> {
        let Some(position) = &self.position else {
            return self.part(ctx, None).await;
        };
        let start = self.sorting.start(ctx.db.dialect(), position);
        let mut rows = self.part(ctx, Some(start.first)).await?;
        if let Some(then) = start.then.filter(|_| rows.len() < self.wanted()) {
            // read a few rows too many, so that the SQL text is one that the drivers have already prepared
            rows.extend(self.part(ctx, Some(then)).await?);
        }
        Ok(rows)
    }

    async fn part(&self, ctx: &Ctx, start: Option<Sql>) -> Result<Vec<Row>> {
        let mut sql = read::select(ctx);
        sql.push(", ");
        let cells = Cells::select(ctx, self.object, &self.query.select, &mut sql, Some(&self.sorting))?;
        self.matching(ctx, &mut sql, start)?;
        sql.push(" ORDER BY ");
        self.sorting.write(&mut sql);
        sql.push(" LIMIT ").number(i64::try_from(self.wanted()).map_err(Error::internal)?);
        let found = read::fetch(ctx, &ctx.db, sql).await?;
        found.iter().map(|row| cells.row(row).map(|(row, _)| row)).collect()
    }

    async fn total(&self, ctx: &Ctx) -> Result<i64> {
        let mut sql = read::select(ctx);
        sql.push(", count(*)");
        self.matching(ctx, &mut sql, None)?;
        match read::fetch(ctx, &ctx.db, sql).await?.first() {
            Some(row) => Ok(row.try_get_by_index(FIRST)?),
            None => Err(Error::internal("a count returned no row")),
        }
    }

    fn matching(&self, ctx: &Ctx, sql: &mut Sql, start: Option<Sql>) -> Result<()> {
        sql.push(" FROM ").table(&self.object.table).push(" AS ").push(ALIAS);
        let mut conditions = Conditions::default();
        conditions.seen(sql, ctx, self.object, self.query.archived, self.query.filter.as_ref())?;
        if let Some(start) = start {
            conditions.next(sql).append(start);
        }
        Ok(())
    }
}

impl Listing {
    /// The cursor of a row, for a page that starts after it or ends before it.
    pub fn cursor(&self, index: usize) -> String {
        self.rows.get(index).map_or_else(String::new, |row| cursor::encode(self.fingerprint, &row.order, row.id.0))
    }
}
