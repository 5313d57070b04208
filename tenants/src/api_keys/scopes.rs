//! Scopes narrow the role of a key to some operations on objects. Scopes only take away; they also take away all named
//! permissions.

use std::collections::{BTreeMap, BTreeSet};

use entities::ids::ObjectId;
use serde::{Deserialize, Serialize};

use crate::access::{Access, Granted, Grants, ObjectGrant, Operation, RowScope};

/// Operations by object, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scopes {
    /// Operations on objects that are not named, including objects created later.
    pub others: BTreeSet<Operation>,
    /// Operations on these objects instead.
    pub objects: BTreeMap<ObjectId, BTreeSet<Operation>>,
}

impl Scopes {
    /// The part of an access that the scopes leave.
    pub fn narrow(&self, access: &Access) -> Access {
        let whole = Grants {
            others: ObjectGrant {
                operations: Operation::ALL.into_iter().map(|operation| (operation, RowScope::All)).collect(),
                ..ObjectGrant::default()
            },
            ..Grants::default()
        };
        let (grants, team) = match access {
            Access::All => (&whole, Vec::new()),
            Access::Granted(granted) => (&*granted.grants, granted.team.clone()),
        };
        let of = |id: &ObjectId| grants.objects.get(id).unwrap_or(&grants.others);
        let ids: BTreeSet<&ObjectId> = grants.objects.keys().chain(self.objects.keys()).collect();
        let objects = ids.into_iter().map(|id| (*id, only(of(id), self.objects.get(id).unwrap_or(&self.others))));
        let narrowed = Grants {
            permissions: BTreeSet::new(),
            others: only(&grants.others, &self.others),
            objects: objects.collect(),
        };
        Access::Granted(Granted { grants: narrowed.into(), team })
    }
}

fn only(grant: &ObjectGrant, operations: &BTreeSet<Operation>) -> ObjectGrant {
    let mut grant = grant.clone();
    grant.operations.retain(|operation, _| operations.contains(operation));
    grant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{FieldAccess, Permission};
    use entities::ids::FieldId;

    #[test]
    fn scopes_take_away_and_never_add() {
        let (customer, order, field) = (ObjectId::new(), ObjectId::new(), FieldId::new());
        let scopes = Scopes {
            objects: [(customer, [Operation::Read, Operation::Update].into()), (order, [Operation::Read].into())]
                .into(),
            ..Scopes::default()
        };
        let narrowed = scopes.narrow(&Access::All);
        assert_eq!(narrowed.scope(customer, Operation::Update), RowScope::All);
        assert_eq!(narrowed.scope(customer, Operation::Delete), RowScope::None);
        assert_eq!(narrowed.scope(ObjectId::new(), Operation::Read), RowScope::None);
        assert!(!narrowed.has(Permission::ManageApiKeys) && Access::All.covers(&narrowed));

        let own = ObjectGrant {
            operations: [(Operation::Read, RowScope::Own)].into(),
            fields: [(field, FieldAccess::Hidden)].into(),
            ..ObjectGrant::default()
        };
        let role = Access::of(Grants { objects: [(customer, own)].into(), ..Grants::default() });
        let narrowed = scopes.narrow(&role);
        assert_eq!(narrowed.scope(customer, Operation::Read), RowScope::Own);
        assert_eq!(narrowed.scope(customer, Operation::Update), RowScope::None);
        assert_eq!(narrowed.field(customer, field), FieldAccess::Hidden);
        assert_eq!(narrowed.scope(order, Operation::Read), RowScope::None);
        assert!(role.covers(&narrowed));
    }
}
