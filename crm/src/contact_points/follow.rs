//! What must be written with customers and contact points so that both say the same.

use std::collections::HashMap;

use entities::ids::RecordId;
use records::{
    Ctx,
    catalog::Object,
    engine::{Change, Draft, Mutation, WriteKind, WriteOutcome},
    rules::FollowUp,
    values::{Contact, Value},
};
use tenants::error::Result;
use uuid::Uuid;

use super::{
    rules::{self, Kind, Point, PointChange},
    store,
};

/// The points that follow from what was written to customers.
pub(crate) async fn customers_to_points(
    ctx: &Ctx,
    customer: &Object,
    written: &[&WriteOutcome],
) -> Result<Vec<FollowUp>> {
    let Some(points) = ctx.catalog.standard("contactPoint") else { return Ok(Vec::new()) };
    let mut set = Vec::new();
    for one in written {
        for kind in Kind::ALL {
            let Some(field) = customer.standard(kind.column()) else { continue };
            let value = one.values.iter().find(|(id, _)| *id == field.id).map(|(_, value)| value);
            match value {
                Some(Value::Contact(contact)) => set.push((*one, kind, Some(contact))),
                Some(Value::Null) if one.kind == WriteKind::Updated => set.push((*one, kind, None)),
                _ => {}
            }
        }
    }
    // New customers have no points yet: nothing needs to be read for them.
    let changed: Vec<Uuid> =
        set.iter().filter(|(one, ..)| one.kind != WriteKind::Created).map(|(one, ..)| one.id.0).collect();
    let existing = store::of_customers(&ctx.db, points, &changed).await?;
    let mut follow_ups = Vec::new();
    for (one, kind, contact) in set {
        let all = existing.get(&one.id.0).map_or(&[][..], Vec::as_slice);
        let of_kind: Vec<Point> = all.iter().filter(|point| point.kind == kind).cloned().collect();
        for step in rules::follow_customer(contact, &of_kind) {
            follow_ups.push(FollowUp { cause: one.id, mutation: mutation(points, one.id, kind, step) });
        }
    }
    Ok(follow_ups)
}

fn mutation(points: &Object, customer: RecordId, kind: Kind, step: PointChange) -> Mutation {
    let mut draft = Draft::default();
    let change = match step {
        PointChange::Add(contact) => {
            set(points, &mut draft, "customer", Value::Id(customer.0));
            set(points, &mut draft, "kind", Value::Text(kind.option().to_owned()));
            set(points, &mut draft, "primary", Value::Bool(true));
            rules::write(points, &mut draft, &contact);
            Change::Create { id: RecordId::new(), draft }
        }
        PointChange::Rewrite(id, contact) => {
            rules::write(points, &mut draft, &contact);
            set(points, &mut draft, "verified", Value::Bool(false));
            Change::Update { id, draft, version: None }
        }
        PointChange::Promote(id) => {
            set(points, &mut draft, "primary", Value::Bool(true));
            Change::Update { id, draft, version: None }
        }
        PointChange::Demote(id) => {
            set(points, &mut draft, "primary", Value::Bool(false));
            Change::Update { id, draft, version: None }
        }
        PointChange::Archive(id) => Change::Archive { id },
    };
    Mutation { object: points.id, change }
}

/// The customers, and the other points, that follow from what was written to points.
pub(crate) async fn points_to_customers(
    ctx: &Ctx,
    points: &Object,
    written: &[&WriteOutcome],
) -> Result<Vec<FollowUp>> {
    let Some(customer) = ctx.catalog.standard("customer") else { return Ok(Vec::new()) };
    let ids: Vec<RecordId> = written.iter().filter(|one| one.kind != WriteKind::Destroyed).map(|one| one.id).collect();
    let owned = store::by_ids(&ctx.db, points, &ids).await?;
    let owners: Vec<Uuid> = owned.iter().map(|owned| owned.customer).collect();
    let beside = store::of_customers(&ctx.db, points, &owners).await?;
    let kinds: HashMap<RecordId, &WriteOutcome> = written.iter().map(|one| (one.id, *one)).collect();
    // by customer and column: the point that asks for it, and what it shows
    let mut columns: HashMap<(Uuid, Kind), (RecordId, Option<Contact>)> = HashMap::new();
    let mut follow_ups = Vec::new();
    for one in owned {
        let key = (one.customer, one.point.kind);
        let shown = one.point.primary && !one.archived;
        let was_shown = one.point.primary || kinds.get(&one.point.id).is_some_and(|written| demoted(points, written));
        if shown {
            let others = beside.get(&one.customer).map_or(&[][..], Vec::as_slice);
            let rivals = others.iter().filter(|other| other.kind == key.1 && other.primary && other.id != one.point.id);
            follow_ups.extend(rivals.map(|rival| {
                let demote = mutation(points, RecordId(one.customer), rival.kind, PointChange::Demote(rival.id));
                FollowUp { cause: one.point.id, mutation: demote }
            }));
            columns.insert(key, (one.point.id, Some(one.point.contact)));
        } else if was_shown {
            columns.entry(key).or_insert((one.point.id, None));
        }
    }
    for (point, at) in store::gone(&ctx.db, customer, points, written).await? {
        columns.entry(at).or_insert((point, None));
    }
    for ((id, kind), (cause, contact)) in columns {
        let mut draft = Draft::default();
        set(customer, &mut draft, kind.column(), contact.map_or(Value::Null, Value::Contact));
        let change = Change::Update { id: RecordId(id), draft, version: None };
        follow_ups.push(FollowUp { cause, mutation: Mutation { object: customer.id, change } });
    }
    Ok(follow_ups)
}

/// Whether the write took the point's place as the primary one.
fn demoted(points: &Object, written: &WriteOutcome) -> bool {
    let primary = points.standard("primary").map(|field| field.id);
    written.kind == WriteKind::Updated
        && written.values.iter().any(|(id, value)| Some(*id) == primary && *value != Value::Bool(true))
}

fn set(object: &Object, draft: &mut Draft, name: &str, value: Value) {
    if let Some(field) = object.standard(name) {
        draft.set(field.id, value);
    }
}
