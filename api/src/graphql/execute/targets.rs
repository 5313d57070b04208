//! What links to records of any object lead to: read once per object, however many records link there.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use records::{
    Ctx,
    engine::{self, Archived},
    permission,
    values::{Target, Value},
};
use serde_json::{Value as Json, json};
use tenants::error::{Code, Result};

/// The targets by what is stored of them, archived ones too. Those that are gone, or that the caller does not see, are
/// left out.
///
/// # Errors
/// `STALE_CATALOG` and those of the database.
pub async fn trees(ctx: &Ctx, stored: HashSet<&str>) -> Result<HashMap<String, Json>> {
    let mut wanted: HashMap<ObjectId, Vec<RecordId>> = HashMap::new();
    for target in stored.into_iter().filter_map(Target::parse) {
        wanted.entry(target.object).or_default().push(RecordId(target.record));
    }
    let mut trees = HashMap::new();
    for (id, records) in wanted {
        let Some(object) = ctx.catalog.object_by_id(id) else { continue };
        let name = object.field("name").filter(|field| permission::see(ctx, field).is_ok());
        let select: Vec<_> = name.iter().map(|field| field.id).collect();
        let rows = match engine::by_ids(ctx, id, &select, &records, Archived::Include).await {
            Err(error) if error.code() == Code::Forbidden => continue,
            rows => rows?,
        };
        for (record, row) in rows {
            let name = match row.cells.into_iter().next() {
                Some(Value::Text(name)) => Some(name),
                _ => None,
            };
            let stored = Target { object: id, record: record.0 }.stored();
            trees.insert(stored, json!({ "object": object.name, "id": record, "name": name }));
        }
    }
    Ok(trees)
}
