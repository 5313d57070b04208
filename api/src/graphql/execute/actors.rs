//! Who did it, with a name: members and customers by their record, keys by their label.

use std::collections::{HashMap, HashSet};

use entities::ids::RecordId;
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
    let actor = |stored| Actor::from_stored(stored).map(|actor| (stored, actor));
    let actors: Vec<(&str, Actor)> = stored.into_iter().map(actor).collect::<Result<_>>()?;
    let (mut members, mut customers, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (_, actor) in &actors {
        match actor {
            Actor::Member(id) => members.push(RecordId(id.0)),
            Actor::Customer(id) => customers.push(*id),
            Actor::ApiKey(id) => keys.push(*id),
            Actor::Plugin(_) | Actor::System => {}
        }
    }
    let members = names(ctx, "member", &members).await?;
    let customers = names(ctx, "customer", &customers).await?;
    let keys = tenants::api_keys::names(&ctx.db, &keys).await?;
    let tree = |(stored, actor): (&str, Actor)| {
        let name = match actor {
            Actor::Member(id) => members.get(&RecordId(id.0)),
            Actor::Customer(id) => customers.get(&id),
            Actor::ApiKey(id) => keys.get(&id),
            Actor::Plugin(_) | Actor::System => None,
        };
        (stored.to_owned(), json!({ "kind": actor.kind(), "id": actor.id(), "name": name }))
    };
    Ok(actors.into_iter().map(tree).collect())
}

/// Names of records, as far as the caller sees them.
async fn names(ctx: &Ctx, object: &str, ids: &[RecordId]) -> Result<HashMap<RecordId, String>> {
    let Some(object) = ctx.catalog.object(object).filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    let Some(name) = object.field("name") else { return Ok(HashMap::new()) };
    let rows = match engine::by_ids(ctx, object.id, &[name.id], ids, Archived::Include).await {
        Err(error) if error.code() == Code::Forbidden => HashMap::new(),
        rows => rows?,
    };
    let name = |(id, row): (RecordId, engine::Row)| match row.cells.into_iter().next() {
        Some(Value::Text(name)) => Some((id, name)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(name).collect())
}
