//! A record's history as the API shows it.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use futures::future::try_join_all;
use records::{
    Ctx,
    engine::{self, HistoryPage},
};
use serde_json::{Value as Json, json};
use tenants::error::Result;

use super::{actors, instant};

/// Histories that are read at the same time.
const AT_ONCE: usize = 4;

/// Pages of the history of several records, by record.
///
/// # Errors
/// `STALE_CATALOG`, `BAD_CURSOR`.
pub async fn trees(
    ctx: &Ctx,
    object: ObjectId,
    records: &[RecordId],
    first: u32,
    after: Option<&String>,
) -> Result<HashMap<String, Json>> {
    let mut trees = HashMap::with_capacity(records.len());
    for some in records.chunks(AT_ONCE) {
        let pages = some.iter().map(|record| engine::history(ctx, object, *record, first, after.cloned()));
        for (record, page) in some.iter().zip(try_join_all(pages).await?) {
            trees.insert(record.to_string(), tree(ctx, &page).await?);
        }
    }
    Ok(trees)
}

async fn tree(ctx: &Ctx, page: &HistoryPage) -> Result<Json> {
    let stored: Vec<String> = page.entries.iter().map(|entry| entry.actor.stored()).collect();
    let names = actors::trees(ctx, stored.iter().map(String::as_str).collect::<HashSet<_>>()).await?;
    let nodes = page.entries.iter().zip(&stored).map(|(entry, stored)| {
        let changes =
            entry.changes.iter().map(|change| json!({ "field": change.field, "from": change.from, "to": change.to }));
        json!({
            "at": instant(entry.at),
            "actor": names.get(stored),
            "origin": entry.origin,
            "runId": entry.run.map(|run| run.to_string()),
            "kind": entry.kind.name(),
            "changes": changes.collect::<Json>(),
        })
    });
    Ok(json!({
        "nodes": nodes.collect::<Json>(),
        "pageInfo": {
            "hasNextPage": page.has_next,
            "endCursor": page.entries.last().map(|entry| &entry.cursor),
        },
    }))
}
