//! The history of a record names the records that it was linked to. Records that the caller cannot see are left out:
//! for the caller they do not exist.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use serde_json::Value as Json;
use tenants::{Access, error::Result};
use uuid::Uuid;

use super::{FieldChange, HistoryPage};
use crate::{Ctx, catalog::Object, permission};

/// Removes the ids that the caller cannot see, and changes that contain nothing else.
pub(super) async fn leave_out(ctx: &Ctx, object: &Object, pages: &mut HashMap<RecordId, HistoryPage>) -> Result<()> {
    if matches!(*ctx.caller.access, Access::All) {
        return Ok(());
    }
    let mut named: HashMap<ObjectId, HashSet<RecordId>> = HashMap::new();
    for change in pages.values().flat_map(|page| &page.entries).flat_map(|entry| &entry.changes) {
        if let Some(target) = target(object, change) {
            named.entry(target).or_default().extend(ids(&change.from).chain(ids(&change.to)));
        }
    }
    let mut seen = HashSet::new();
    for (target, ids) in named {
        if let Some(target) = ctx.catalog.object_by_id(target) {
            let ids: Vec<RecordId> = ids.into_iter().collect();
            seen.extend(permission::visible(ctx, &ctx.db, target, &ids).await?);
        }
    }
    for entry in pages.values_mut().flat_map(|page| &mut page.entries) {
        entry.changes.retain_mut(|change| {
            let link = target(object, change).is_some();
            if link {
                shorten(&mut change.from, &seen);
                shorten(&mut change.to, &seen);
            }
            !link || change.from != change.to
        });
    }
    Ok(())
}

/// The object that a link leads to; `None` for other fields.
fn target(object: &Object, change: &FieldChange) -> Option<ObjectId> {
    Some(object.field(&change.field)?.relation()?.to)
}

fn ids(value: &Json) -> impl Iterator<Item = RecordId> {
    let several = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    several.iter().filter_map(id)
}

fn id(value: &Json) -> Option<RecordId> {
    value.as_str()?.parse::<Uuid>().ok().map(RecordId)
}

fn shorten(value: &mut Json, seen: &HashSet<RecordId>) {
    let is_seen = |value: &Json| id(value).is_none_or(|id| seen.contains(&id));
    match value {
        Json::Array(several) => {
            several.retain(is_seen);
            if several.is_empty() {
                *value = Json::Null;
            }
        }
        one if is_seen(one) => {}
        one => *one = Json::Null,
    }
}
