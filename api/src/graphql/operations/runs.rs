//! Changes of many records, and the feed of all changes.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RunId};
use records::{
    Ctx,
    engine::{self, FeedChange, MAX_CHANGES, MAX_PAGE, runs},
    operations::{Entry, Given, Method, Module, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::error::{Code, Error, Result};

use crate::graphql::execute::{DEFAULT_PAGE, actors, first, instant};

/// Changes on a page of the feed where the request does not say.
const FEED_PAGE: u32 = 100;

/// The operations of runs and of the feed. Who may see a run, or what was changed, depends on which records it touched:
/// the engine tells.
pub fn module() -> Module {
    Module {
        declared: include_str!("runs.graphql"),
        entries: vec![
            Entry::new("run", one).permit(Permit::SignedIn).route(Method::Get, "/runs/{id}"),
            Entry::new("runs", list).permit(Permit::SignedIn).route(Method::Get, "/runs"),
            Entry::new("changes", changes).permit(Permit::SignedIn).route(Method::Get, "/changes"),
            Entry::new("cancelRun", cancel).permit(Permit::SignedIn).route(Method::Post, "/runs/{id}/cancel"),
            Entry::new("undoRun", undo).permit(Permit::SignedIn).route(Method::Post, "/runs/{id}/undo"),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct ById {
    id: Given<RunId>,
}

#[derive(Deserialize)]
struct List {
    first: Option<i64>,
    after: Option<Given<RunId>>,
}

#[derive(Deserialize)]
struct Changes {
    after: Option<i64>,
    objects: Option<Vec<String>>,
    first: Option<i64>,
}

async fn one(ctx: Ctx, args: ById) -> Result<Option<Json>> {
    let Some(id) = args.id.id() else { return Ok(None) };
    match runs::load(&ctx, id).await {
        Ok(run) => tree(&ctx, &run).await.map(Some),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(ctx: Ctx, args: List) -> Result<Vec<Json>> {
    let first = first(args.first, DEFAULT_PAGE, MAX_PAGE)?;
    let found = runs::list(&ctx, first.into(), args.after.and_then(Given::id)).await?;
    let actors = actors::trees(&ctx, found.iter().map(|run| run.created_by.as_str()).collect()).await?;
    Ok(found.iter().map(|run| run_to_json(&ctx, run, &actors)).collect())
}

async fn cancel(ctx: Ctx, args: ById) -> Result<Json> {
    let run = runs::cancel(&ctx, args.id.needed("run")?).await?;
    tree(&ctx, &run).await
}

async fn undo(ctx: Ctx, args: ById) -> Result<runs::UndoReport> {
    engine::undo(&ctx, args.id.needed("run")?).await
}

async fn changes(ctx: Ctx, args: Changes) -> Result<Json> {
    let object = |name: &String| {
        let object = ctx.catalog.object(name).map(|object| object.id);
        object.ok_or_else(|| Error::new(Code::NotFound, format!("There is no object `{name}`.")))
    };
    let objects = args.objects.iter().flatten().map(object).collect::<Result<Vec<ObjectId>>>()?;
    let first = first(args.first, FEED_PAGE, MAX_CHANGES)?;
    let page = engine::changes(&ctx, args.after.unwrap_or_default(), &objects, first).await?;
    let stored: Vec<String> = page.changes.iter().map(|change| change.actor.stored()).collect();
    let names = actors::trees(&ctx, stored.iter().map(String::as_str).collect::<HashSet<_>>()).await?;
    let nodes =
        page.changes.iter().zip(&stored).map(|(change, stored)| change_to_json(&ctx, change, names.get(stored)));
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
        "record": change.record.map(|record| record.to_string()),
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
