//! Changes of many records, and the feed of all changes.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RunId};
use records::{
    Ctx,
    engine::{self, FeedChange, MAX_CHANGES, MAX_PAGE, runs},
};
use serde_json::{Map, Value as Json, json};
use tenants::error::{Code, Error, Result};

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// Changes on a page of the feed where the request does not say.
const FEED_PAGE: u32 = 100;

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("runs.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`records::engine`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "run" => one(ctx, args).await,
        "runs" => list(ctx, args).await,
        "changes" => changes(ctx, args).await,
        "cancelRun" => cancel(ctx, args).await,
        "undoRun" => undo(ctx, args).await,
        _ => return None,
    })
}

async fn one(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let Some(id) = id(args, "id") else { return Ok(Json::Null) };
    match runs::load(ctx, id).await {
        Ok(run) => tree(ctx, &run).await,
        Err(error) if error.code() == Code::NotFound => Ok(Json::Null),
        Err(error) => Err(error),
    }
}

async fn list(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let first = first(args, DEFAULT_PAGE, MAX_PAGE)?;
    let found = runs::list(ctx, first.into(), id(args, "after")).await?;
    let actors = actors::trees(ctx, found.iter().map(|run| run.created_by.as_str()).collect()).await?;
    Ok(found.iter().map(|run| run_to_json(ctx, run, &actors)).collect())
}

async fn cancel(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let run = runs::cancel(ctx, id(args, "id").ok_or_else(no_run)?).await?;
    tree(ctx, &run).await
}

async fn undo(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let report = engine::undo(ctx, id(args, "id").ok_or_else(no_run)?).await?;
    serde_json::to_value(report).map_err(Error::internal)
}

async fn changes(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let names = args.get("objects").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let object = |name: &str| {
        let object = ctx.catalog.object(name).map(|object| object.id);
        object.ok_or_else(|| Error::new(Code::NotFound, format!("There is no object `{name}`.")))
    };
    let objects = names.map(object).collect::<Result<Vec<ObjectId>>>()?;
    let after = args.get("after").and_then(Json::as_i64).unwrap_or(0);
    let first = first(args, FEED_PAGE, MAX_CHANGES)?;
    let page = engine::changes(ctx, after, &objects, first).await?;
    let stored: Vec<String> = page.changes.iter().map(|change| change.actor.stored()).collect();
    let names = actors::trees(ctx, stored.iter().map(String::as_str).collect::<HashSet<_>>()).await?;
    let nodes = page.changes.iter().zip(&stored).map(|(change, stored)| change_to_json(ctx, change, names.get(stored)));
    Ok(json!({ "nodes": nodes.collect::<Json>(), "lastSeq": page.last_seq, "hasMore": page.has_more }))
}

fn change_to_json(ctx: &Ctx, change: &FeedChange, actor: Option<&Json>) -> Json {
    let fields = change.fields.iter().filter_map(|id| ctx.catalog.field(*id)).map(|field| field.name.as_str());
    json!({
        "seq": change.seq,
        "at": instant(change.at),
        "actor": actor,
        "origin": change.origin,
        "runId": change.run.map(|run| run.to_string()),
        "object": object_name(ctx, change.object),
        "record": change.record.to_string(),
        "kind": change.kind.name(),
        "fields": fields.collect::<Json>(),
    })
}

fn object_name(ctx: &Ctx, id: ObjectId) -> Option<&str> {
    ctx.catalog.object_by_id(id).map(|object| object.name.as_str())
}

/// A run as answers tell it.
///
/// # Errors
/// When the names of those who act cannot be read.
pub(super) async fn tree(ctx: &Ctx, run: &runs::Run) -> Result<Json> {
    let actors = actors::trees(ctx, HashSet::from([run.created_by.as_str()])).await?;
    Ok(run_to_json(ctx, run, &actors))
}

fn run_to_json(ctx: &Ctx, run: &runs::Run, actors: &HashMap<String, Json>) -> Json {
    json!({
        "id": run.id.to_string(),
        "kind": run.kind.name(),
        "status": run.status.name(),
        "object": run.object.and_then(|id| object_name(ctx, id)),
        "matched": run.matched,
        "changed": run.changed,
        "failed": run.failed,
        "error": run.error,
        "progress": run.progress,
        "createdBy": actors.get(&run.created_by),
        "createdAt": instant(run.created_at),
        "updatedAt": instant(run.updated_at),
    })
}

fn id(args: &Map<String, Json>, name: &str) -> Option<RunId> {
    args.get(name).and_then(Json::as_str).and_then(|id| id.parse().ok())
}

fn no_run() -> Error {
    Error::new(Code::NotFound, "There is no such run.")
}
