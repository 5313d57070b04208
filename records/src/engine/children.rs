//! Reads a to-many relation of many records at once: one statement for all their pages.

use std::collections::HashMap;

use entities::ids::{FieldId, RecordId};
use tenants::error::{Error, Result};

use crate::{
    Ctx,
    catalog::Cardinality,
    permission,
    sql::{List, Sql},
};

use super::{
    ListQuery, Listing, decode,
    list::{Cells, PagePlan},
    read::{self, ALIAS, Conditions, FIRST},
};

/// For each parent, a page of the records that a to-many relation leads to. Limit, order, filter, total and cursor of
/// the query apply to each parent; `query.object` is the object at the other end.
///
/// # Errors
/// As [`super::list`].
pub async fn children(
    ctx: &Ctx,
    relation: FieldId,
    parents: &[RecordId],
    query: &ListQuery,
) -> Result<HashMap<RecordId, Listing>> {
    let object = read::readable(ctx, query.object)?;
    let page = PagePlan::new(ctx, object, query, Some(relation))?;
    if parents.is_empty() {
        return Ok(HashMap::new());
    }
    let link = Link::new(ctx, relation, query)?;
    let mut rows: HashMap<RecordId, Vec<super::Row>> = HashMap::with_capacity(parents.len());
    let mut totals: HashMap<RecordId, i64> = HashMap::new();
    let (sql, cells) = link.pages(ctx, &page, parents)?;
    for found in &read::fetch(ctx, &ctx.db, sql).await? {
        let (row, parent) = cells.row(found)?;
        rows.entry(RecordId(decode::id(found, parent)?)).or_default().push(row);
    }
    if query.total {
        for found in &read::fetch(ctx, &ctx.db, link.totals(ctx, &page, parents)?).await? {
            totals.insert(RecordId(decode::id(found, FIRST)?), found.try_get_by_index(FIRST + 1)?);
        }
    }
    let listing = |parent: &RecordId| {
        let total = query.total.then(|| totals.get(parent).copied().unwrap_or(0));
        (*parent, page.listing(rows.remove(parent).unwrap_or_default(), total))
    };
    Ok(parents.iter().map(listing).collect())
}

/// How the related records refer to their parents.
struct Link<'a> {
    /// The table of a many-to-many link and its columns of this and the other side.
    table: Option<(&'a str, &'static str, &'static str)>,
    /// Otherwise the column of the related table.
    column: &'a str,
}

const LINK: &str = "l0";

impl<'a> Link<'a> {
    fn new(ctx: &'a Ctx, relation: FieldId, query: &ListQuery) -> Result<Self> {
        let broken = |what: &str| Error::internal(format!("relation {relation} {what}"));
        let field = ctx.catalog.field(relation).ok_or_else(|| broken("is not in the catalog"))?;
        permission::see(ctx, field)?;
        let link = field.relation().filter(|link| link.to == query.object);
        let link = link.ok_or_else(|| broken("does not lead to the object asked for"))?;
        match link.cardinality {
            Cardinality::ManyToOne => Err(broken("leads to one record")),
            Cardinality::OneToMany => {
                let inverse = link.inverse.and_then(|id| ctx.catalog.field(id));
                Ok(Self { table: None, column: &inverse.ok_or_else(|| broken("has no other side"))?.column })
            }
            Cardinality::ManyToMany => {
                let table = link.link_table.as_deref().ok_or_else(|| broken("has no table"))?;
                let (near, far) = if link.forward { ("a", "b") } else { ("b", "a") };
                Ok(Self { table: Some((table, near, far)), column: "" })
            }
        }
    }

    /// The expression for the parent's id.
    fn parent(&self, sql: &mut Sql) {
        match self.table {
            Some((_, near, _)) => sql.column(LINK, near),
            None => sql.column(ALIAS, self.column),
        };
    }

    /// The condition for the related records of these parents.
    fn matching(&self, ctx: &Ctx, page: &PagePlan<'_>, parents: &[RecordId], sql: &mut Sql) -> Result<Conditions> {
        sql.push(" FROM ");
        if let Some((table, _, far)) = self.table {
            sql.table(table).push(" AS ").push(LINK).push(" JOIN ").table(&page.object.table).push(" AS ").push(ALIAS);
            sql.push(" ON ").column(ALIAS, "id").push(" = ").column(LINK, far);
        } else {
            sql.table(&page.object.table).push(" AS ").push(ALIAS);
        }
        let mut conditions = Conditions::default();
        self.parent(conditions.next(sql));
        sql.one_of(List::Ids(parents.iter().map(|parent| parent.0).collect()));
        conditions.seen(sql, ctx, page.object, page.query.archived, page.query.filter.as_ref())?;
        Ok(conditions)
    }

    /// All pages: the records of each parent, numbered in order, up to the limit.
    fn pages(&self, ctx: &Ctx, page: &PagePlan<'_>, parents: &[RecordId]) -> Result<(Sql, Cells)> {
        let mut sql = read::select(ctx);
        sql.push(", p.* FROM (SELECT ");
        let cells = Cells::select(ctx, page.object, &page.query.select, &mut sql, Some(&page.sorting))?;
        sql.push(", ");
        self.parent(&mut sql);
        sql.push(" AS \"parent\", row_number() OVER (PARTITION BY ");
        self.parent(&mut sql);
        sql.push(" ORDER BY ");
        page.sorting.write(&mut sql);
        sql.push(") AS \"place\"");
        let mut conditions = self.matching(ctx, page, parents, &mut sql)?;
        if let Some(position) = &page.position {
            page.sorting.rest(conditions.next(&mut sql), 0, position);
        }
        sql.push(") AS p WHERE p.\"place\" <= ").number(i64::try_from(page.wanted()).map_err(Error::internal)?);
        sql.push(" ORDER BY p.\"parent\", p.\"place\"");
        Ok((sql, cells))
    }

    fn totals(&self, ctx: &Ctx, page: &PagePlan<'_>, parents: &[RecordId]) -> Result<Sql> {
        let mut sql = read::select(ctx);
        sql.push(", ");
        self.parent(&mut sql);
        sql.push(", count(*)");
        self.matching(ctx, page, parents, &mut sql)?;
        sql.push(" GROUP BY 2");
        Ok(sql)
    }
}
