//! Who did it, with a name: members by their record, keys by their label.

use std::collections::{HashMap, HashSet};

use entities::ids::{ApiKeyId, RecordId};
use records::{
    Ctx,
    engine::{self, Archived},
    values::Value,
};
use serde_json::{Value as Json, json};
use tenants::{
    Actor,
    error::{Code, Result},
};

/// The actors by what is stored of them.
///
/// # Errors
/// `STALE_CATALOG` and those of the database.
pub async fn trees(ctx: &Ctx, stored: HashSet<&str>) -> Result<HashMap<String, Json>> {
    let actors: Vec<(&str, Actor)> = stored.into_iter().map(|stored| (stored, Actor::from_stored(stored))).collect();
    let members: Vec<RecordId> = actors
        .iter()
        .filter_map(|(_, actor)| match actor {
            Actor::Member(id) => Some(RecordId(id.0)),
            _ => None,
        })
        .collect();
    let names = member_names(ctx, &members).await?;
    let keys: Vec<ApiKeyId> = actors
        .iter()
        .filter_map(|(_, actor)| match actor {
            Actor::ApiKey(id) => Some(*id),
            _ => None,
        })
        .collect();
    let keys = tenants::api_keys::names(&ctx.db, &keys).await?;
    let tree = |(stored, actor): (&str, Actor)| {
        let (id, name) = match actor {
            Actor::Member(id) => (Some(id.to_string()), names.get(&RecordId(id.0)).cloned()),
            Actor::ApiKey(id) => (Some(id.to_string()), keys.get(&id).cloned()),
            Actor::System => (None, None),
        };
        (stored.to_owned(), json!({ "kind": actor.kind(), "id": id, "name": name }))
    };
    Ok(actors.into_iter().map(tree).collect())
}

async fn member_names(ctx: &Ctx, members: &[RecordId]) -> Result<HashMap<RecordId, String>> {
    let Some(member) = ctx.catalog.object("member") else { return Ok(HashMap::new()) };
    let Some(name) = member.field("name") else { return Ok(HashMap::new()) };
    let rows = match engine::by_ids(ctx, member.id, &[name.id], members, Archived::Include).await {
        Err(error) if error.code() == Code::Forbidden => HashMap::new(),
        rows => rows?,
    };
    let name = |(id, row): (RecordId, engine::Row)| match row.cells.into_iter().next() {
        Some(Value::Text(name)) => Some((id, name)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(name).collect())
}
