//! Follows relations: one read per relation and level, however many records ask for it.

use std::collections::{HashMap, HashSet};

use entities::ids::RecordId;
use futures::future::{BoxFuture, try_join_all};
use records::{
    Ctx,
    engine::{self, Archived, Listing, Row},
    values::Value,
};
use serde_json::Value as Json;
use tenants::error::{Code, Error, Result};

use super::{
    actors,
    bind::{Bound, Connection, Record, What},
    history, targets,
    tree::Read,
};

/// What was found for the fields of a [`Record`], in their order; empty where none follows anything.
#[derive(Default)]
pub struct Links(pub Vec<Link>);

/// What was found for one field of many records.
pub enum Link {
    /// The field is the record's own.
    Own,
    /// It cannot be had.
    Failed(Error),
    /// Records by id.
    One { rows: HashMap<RecordId, Row>, links: Links },
    /// Pages by the id of the record they belong to.
    Many { pages: HashMap<RecordId, Listing>, links: Vec<Links> },
    /// What the table's handler answered by record, and the records that it names.
    Answers { trees: HashMap<RecordId, Json>, read: Vec<Read> },
    /// Trees by what stands in the column, or by record.
    Trees(HashMap<String, Json>),
}

/// Follows the relations that are asked of these rows.
///
/// # Errors
/// `STALE_CATALOG` alone; everything else is the error of a field.
pub fn load<'a>(ctx: &'a Ctx, record: &'a Record<'_>, rows: Vec<&'a Row>) -> BoxFuture<'a, Result<Links>> {
    Box::pin(async move {
        if !record.follows || rows.is_empty() {
            return Ok(Links::default());
        }
        let links = record.fields.iter().map(|bound| async {
            match link(ctx, bound, &rows).await {
                Err(error) if error.code() == Code::StaleCatalog => Err(error),
                Err(error) => Ok(Link::Failed(error)),
                found => found,
            }
        });
        try_join_all(links).await.map(Links)
    })
}

/// Follows the relations of a connection's records.
///
/// # Errors
/// As [`load`].
pub async fn load_pages<'a>(
    ctx: &'a Ctx,
    connection: &'a Connection<'_>,
    pages: impl Iterator<Item = &'a Listing>,
) -> Result<Vec<Links>> {
    let rows: Vec<&Row> = pages.flat_map(|page| &page.rows).collect();
    let loads = connection.page.records().into_iter().map(|record| load(ctx, record, rows.clone()));
    try_join_all(loads).await
}

async fn link(ctx: &Ctx, bound: &Bound<'_>, rows: &[&Row]) -> Result<Link> {
    Ok(match &bound.what {
        What::One { at, target, select, record } => {
            let ids: HashSet<RecordId> = rows.iter().filter_map(|row| id_in(row, *at)).collect();
            let ids: Vec<_> = ids.into_iter().collect();
            let found = engine::by_ids(ctx, *target, select, &ids, Archived::Include).await?;
            let links = load(ctx, record, found.values().collect()).await?;
            Link::One { rows: found, links }
        }
        What::Many { relation, connection } => {
            let parents: HashSet<RecordId> = rows.iter().map(|row| row.id).collect();
            let parents: Vec<_> = parents.into_iter().collect();
            let mut pages = engine::children(ctx, *relation, &parents, &connection.query).await?;
            pages.values_mut().for_each(|page| connection.trim(page));
            let links = load_pages(ctx, connection, pages.values()).await?;
            Link::Many { pages, links }
        }
        What::Actor { at, .. } => Link::Trees(actors::trees(ctx, texts(rows, *at)).await?),
        What::Link { at, .. } => Link::Trees(targets::trees(ctx, texts(rows, *at)).await?),
        What::History { object, first, after, .. } => {
            let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
            Link::Trees(history::trees(ctx, *object, &ids, *first, after.as_deref()).await?)
        }
        What::Added { field, args, selected, answer } => {
            let records: HashSet<RecordId> = rows.iter().map(|row| row.id).collect();
            let records = records.into_iter().collect();
            let trees = field.run(ctx, records, args.clone(), selected.clone()).await?;
            let read = answer.read(ctx, trees.values()).await?;
            Link::Answers { trees, read }
        }
        _ => Link::Own,
    })
}

/// The texts in a column, each once.
fn texts<'a>(rows: &[&'a Row], at: usize) -> HashSet<&'a str> {
    let text = |row: &&'a Row| match row.cells.get(at) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    rows.iter().filter_map(text).collect()
}

/// The id in a column of a row.
pub fn id_in(row: &Row, at: usize) -> Option<RecordId> {
    match row.cells.get(at) {
        Some(Value::Id(id)) => Some(RecordId(*id)),
        _ => None,
    }
}
