//! Histories of records as the API shows them.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use records::{
    Ctx,
    engine::{self, HistoryPage},
};
use serde_json::{Value as Json, json};
use tenants::error::Result;

use super::{actors, instant};

/// Pages of the history of several records, by record.
///
/// # Errors
/// `STALE_CATALOG`, `BAD_CURSOR`.
pub async fn trees(
    ctx: &Ctx,
    object: ObjectId,
    records: &[RecordId],
    first: u32,
    after: Option<&str>,
) -> Result<HashMap<String, Json>> {
    let pages = engine::history(ctx, object, records, first, after).await?;
    let entries = pages.values().flat_map(|page| &page.entries);
    let stored: HashSet<String> = entries.map(|entry| entry.actor.stored()).collect();
    let actors = actors::trees(ctx, stored.iter().map(String::as_str).collect()).await?;
    Ok(pages.iter().map(|(record, page)| (record.to_string(), tree(page, &actors))).collect())
}

fn tree(page: &HistoryPage, actors: &HashMap<String, Json>) -> Json {
    let nodes = page.entries.iter().map(|entry| {
        let changes =
            entry.changes.iter().map(|change| json!({ "field": change.field, "from": change.from, "to": change.to }));
        json!({
            "at": instant(entry.at),
            "actor": actors.get(&entry.actor.stored()),
            "origin": entry.origin,
            "runId": entry.run.map(|run| run.to_string()),
            "kind": entry.kind.name(),
            "changes": changes.collect::<Json>(),
        })
    });
    json!({
        "nodes": nodes.collect::<Json>(),
        "pageInfo": {
            "hasNextPage": page.has_next,
            "endCursor": page.entries.last().map(|entry| &entry.cursor),
        },
    })
}
