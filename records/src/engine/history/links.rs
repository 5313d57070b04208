//! The history of a record names the records that it was linked to. Records that the caller cannot see are left out:
//! for the caller they do not exist.

use std::collections::{HashMap, HashSet};

use entities::ids::{ObjectId, RecordId};
use serde_json::Value as Json;
use tenants::{Access, error::Result};
use uuid::Uuid;

use super::{FieldChange, HistoryPage};
use crate::{
    Ctx,
    catalog::{FieldKind, Object},
    permission,
};

/// Removes the ids that the caller cannot see, and changes that contain nothing else. Objects of links to any record get
/// their names.
pub(super) async fn leave_out(ctx: &Ctx, object: &Object, pages: &mut HashMap<RecordId, HistoryPage>) -> Result<()> {
    let restricted = !matches!(*ctx.caller.access, Access::All);
    let mut named: HashMap<ObjectId, HashSet<RecordId>> = HashMap::new();
    if restricted {
        for change in pages.values().flat_map(|page| &page.entries).flat_map(|entry| &entry.changes) {
            if let Some(target) = target(object, change) {
                named.entry(target).or_default().extend(ids(&change.from).chain(ids(&change.to)));
            } else if is_free(object, change) {
                for (target, id) in [&change.from, &change.to].into_iter().filter_map(free_end) {
                    named.entry(target).or_default().insert(id);
                }
            }
        }
    }
    let mut seen = HashSet::new();
    for (id, ids) in named {
        if let Some(target) = ctx.catalog.object_by_id(id) {
            let ids: Vec<RecordId> = ids.into_iter().collect();
            seen.extend(permission::visible(ctx, &ctx.db, target, &ids).await?.into_iter().map(|record| (id, record)));
        }
    }
    let is_seen = |target: ObjectId, id: RecordId| !restricted || seen.contains(&(target, id));
    for entry in pages.values_mut().flat_map(|page| &mut page.entries) {
        entry.changes.retain_mut(|change| {
            let to = target(object, change);
            let free = is_free(object, change);
            for value in [&mut change.from, &mut change.to] {
                match to {
                    Some(to) => shorten(value, &|id| is_seen(to, id)),
                    None if free => name(ctx, value, &is_seen),
                    None => {}
                }
            }
            (to.is_none() && !free) || change.from != change.to
        });
    }
    Ok(())
}

/// Whether it is a change of a link to any record.
fn is_free(object: &Object, change: &FieldChange) -> bool {
    object.field(&change.field).is_some_and(|field| matches!(field.kind, FieldKind::Link { .. }))
}

/// Where a link to any record leads.
fn free_end(value: &Json) -> Option<(ObjectId, RecordId)> {
    let part = |name: &str| value.get(name)?.as_str()?.parse::<Uuid>().ok();
    Some((ObjectId(part("object")?), RecordId(part("id")?)))
}

/// Names the object of such a link; nothing stays of one that is not seen.
fn name(ctx: &Ctx, value: &mut Json, is_seen: &impl Fn(ObjectId, RecordId) -> bool) {
    let Some((target, id)) = free_end(value) else { return };
    match ctx.catalog.object_by_id(target).filter(|_| is_seen(target, id)) {
        Some(target) => value["object"] = target.name.as_str().into(),
        None => *value = Json::Null,
    }
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

fn shorten(value: &mut Json, seen: &impl Fn(RecordId) -> bool) {
    let is_seen = |value: &Json| id(value).is_none_or(seen);
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
