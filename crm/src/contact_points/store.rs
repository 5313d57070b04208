//! Reads contact points inside the transaction that changes their customer.

use std::collections::{HashMap, HashSet};

use entities::ids::RecordId;
use records::{
    catalog::{Field, Object},
    engine::{self, WriteKind, WriteOutcome},
    values::{Contact, Value},
};
use tenants::{TenantDb, error::Result};
use uuid::Uuid;

use super::rules::{self, Kind, Point};

/// A contact point with its customer.
pub(crate) struct Owned {
    pub(crate) customer: Uuid,
    pub(crate) point: Point,
    pub(crate) archived: bool,
}

/// All points of customers, by customer, without archived ones.
pub(crate) async fn of_customers(
    db: &TenantDb,
    object: &Object,
    customers: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Point>>> {
    let mut by_customer: HashMap<Uuid, Vec<Point>> = HashMap::new();
    if let Some(customer) = object.standard("customer") {
        let found = read(db, object, customer, customers).await?;
        for owned in found.into_iter().filter(|owned| !owned.archived) {
            by_customer.entry(owned.customer).or_default().push(owned.point);
        }
    }
    Ok(by_customer)
}

/// Points by id.
pub(crate) async fn by_ids(db: &TenantDb, object: &Object, ids: &[RecordId]) -> Result<Vec<Owned>> {
    let Some(id) = object.field("id") else { return Ok(Vec::new()) };
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    read(db, object, id, &ids).await
}

/// Where destroyed points were shown: customers that still exist, and their columns.
pub(crate) async fn gone(
    db: &TenantDb,
    customers: &Object,
    object: &Object,
    written: &[&WriteOutcome],
) -> Result<Vec<(RecordId, (Uuid, Kind))>> {
    let destroyed = written.iter().filter(|one| one.kind == WriteKind::Destroyed);
    let shown: Vec<(RecordId, (Uuid, Kind))> =
        destroyed.filter_map(|one| Some((one.id, rules::shown(object, &one.values)?))).collect();
    let Some(id) = customers.field("id") else { return Ok(Vec::new()) };
    let ids: Vec<Uuid> = shown.iter().map(|(_, (customer, _))| *customer).collect();
    let there: HashSet<Uuid> =
        engine::linked(db, customers, &[], id, &ids).await?.into_iter().map(|row| row.id.0).collect();
    Ok(shown.into_iter().filter(|(_, (customer, _))| there.contains(customer)).collect())
}

async fn read(db: &TenantDb, object: &Object, by: &Field, targets: &[Uuid]) -> Result<Vec<Owned>> {
    let fields: Option<Vec<&Field>> = ["customer", "kind", "value", "key", "valid", "primary", "archivedAt"]
        .iter()
        .map(|name| object.standard(name))
        .collect();
    // a tenant whose own field has taken one of these names has no such points
    let Some(fields) = fields else { return Ok(Vec::new()) };
    let rows = engine::linked(db, object, &fields, by, targets).await?;
    Ok(rows.into_iter().filter_map(|row| owned(row.id, row.cells)).collect())
}

fn owned(id: RecordId, cells: Vec<Value>) -> Option<Owned> {
    let [Value::Id(customer), Value::Text(kind), Value::Text(typed), key, valid, primary, archived] =
        <[Value; 7]>::try_from(cells).ok()?
    else {
        return None;
    };
    let key = match key {
        Value::Text(key) => key,
        _ => String::new(),
    };
    let contact = Contact { typed, key, valid: valid == Value::Bool(true) };
    let point = Point { id, kind: Kind::of(&kind)?, contact, primary: primary == Value::Bool(true) };
    Some(Owned { customer, point, archived: archived != Value::Null })
}
