//! The parts of a role as they are stored: objects and fields by id, so that renaming one changes no role.

use std::collections::{BTreeMap, BTreeSet};

use entities::ids::{FieldId, ObjectId};
use serde::{Deserialize, Serialize};

/// What a role or a key allows. Anything not named is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// Permissions that concern no object.
    pub permissions: BTreeSet<Permission>,
    /// Applies to objects that are not named, including objects created later.
    pub others: ObjectGrant,
    /// Applies to these objects instead of `others`.
    pub objects: BTreeMap<ObjectId, ObjectGrant>,
}

/// What is allowed with the records of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectGrant {
    /// The row scope of each operation; an operation that is missing is not allowed.
    pub operations: BTreeMap<Operation, RowScope>,
    /// Access to these fields.
    pub fields: BTreeMap<FieldId, FieldAccess>,
    /// Access to all other fields, including fields created later.
    pub other_fields: FieldAccess,
}

/// An operation on records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    Create,
    Read,
    Update,
    /// Archive.
    Delete,
    Restore,
    /// Delete permanently.
    Destroy,
    Merge,
    Import,
    Export,
}

/// Which records an operation may touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RowScope {
    /// No record.
    #[default]
    None,
    /// Records that the actor owns; where the object has no owner, records that the actor created.
    Own,
    /// Also records of members who share a team with the actor.
    Team,
    /// All.
    All,
}

/// What may be done with the values of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldAccess {
    /// The values cannot be found out in any way.
    Hidden,
    /// The values can be read.
    Read,
    /// The values can be read and changed.
    #[default]
    Write,
}

/// Permissions that concern no object: the administration of the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    /// Change objects, fields, sections and exchange rates.
    ConfigureCatalog,
    /// Invite members, change their roles and teams, deactivate them.
    ManageMembers,
    /// Make and change roles.
    ManageRoles,
    /// Make, renew and revoke API keys.
    ManageApiKeys,
    /// Decide from where and how people sign in: origins, second factors, single sign-on.
    ManageSecurity,
    /// Read the security log.
    ViewSecurityLog,
    /// See work that was given up, have it tried again, discard it.
    ManageJobs,
}

impl Permission {
    /// All of them.
    pub const ALL: [Permission; 7] = [
        Permission::ConfigureCatalog,
        Permission::ManageMembers,
        Permission::ManageRoles,
        Permission::ManageApiKeys,
        Permission::ManageSecurity,
        Permission::ViewSecurityLog,
        Permission::ManageJobs,
    ];
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 9] = [
        Operation::Create,
        Operation::Read,
        Operation::Update,
        Operation::Delete,
        Operation::Restore,
        Operation::Destroy,
        Operation::Merge,
        Operation::Import,
        Operation::Export,
    ];

    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Read => "READ",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Restore => "RESTORE",
            Operation::Destroy => "DESTROY",
            Operation::Merge => "MERGE",
            Operation::Import => "IMPORT",
            Operation::Export => "EXPORT",
        }
    }

    /// Whether the operation works on existing records, so that it also needs READ.
    fn sees(self) -> bool {
        !matches!(self, Operation::Create | Operation::Import)
    }
}

impl RowScope {
    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            RowScope::None => "NONE",
            RowScope::Own => "OWN",
            RowScope::Team => "TEAM",
            RowScope::All => "ALL",
        }
    }
}

impl FieldAccess {
    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            FieldAccess::Hidden => "HIDDEN",
            FieldAccess::Read => "READ",
            FieldAccess::Write => "WRITE",
        }
    }
}

impl Grants {
    fn object(&self, object: ObjectId) -> &ObjectGrant {
        self.objects.get(&object).unwrap_or(&self.others)
    }

    /// Whether the field has an entry of its own.
    pub fn names(&self, object: ObjectId, field: FieldId) -> bool {
        self.object(object).fields.contains_key(&field)
    }

    /// The row scope of an operation on an object.
    pub fn scope(&self, object: ObjectId, operation: Operation) -> RowScope {
        self.object(object).scope(operation)
    }

    /// The access to a field's values.
    pub fn field(&self, object: ObjectId, field: FieldId) -> FieldAccess {
        self.object(object).field(field)
    }

    /// Whether any operation has the row scope TEAM.
    pub(super) fn speaks_of_teams(&self) -> bool {
        let grants = self.objects.values().chain([&self.others]);
        grants.flat_map(|grant| grant.operations.values()).any(|scope| *scope == RowScope::Team)
    }

    /// What it would give to a member whose teams hold everybody.
    pub(super) fn by_teams(&self) -> Grants {
        let objects = self.objects.iter().map(|(id, grant)| (*id, grant.by_teams()));
        Grants { permissions: BTreeSet::new(), others: self.others.by_teams(), objects: objects.collect() }
    }

    pub(super) fn covers(&self, other: &Grants) -> bool {
        let objects = self.objects.keys().chain(other.objects.keys());
        self.permissions.is_superset(&other.permissions)
            && self.others.covers(&other.others)
            && objects.into_iter().all(|id| self.object(*id).covers(other.object(*id)))
    }
}

impl ObjectGrant {
    fn scope(&self, operation: Operation) -> RowScope {
        let given = |operation| self.operations.get(&operation).copied().unwrap_or_default();
        if operation.sees() { given(operation).min(given(Operation::Read)) } else { given(operation) }
    }

    fn field(&self, field: FieldId) -> FieldAccess {
        self.fields.get(&field).copied().unwrap_or(self.other_fields)
    }

    fn by_teams(&self) -> Self {
        let team = |scope: RowScope| scope == RowScope::Team;
        if !self.operations.values().copied().any(team) {
            return Self { other_fields: FieldAccess::Hidden, ..Self::default() };
        }
        // no operation has a wider scope than READ, so the result stays within the role
        let kept = |operation, scope| operation == Operation::Read || team(scope);
        let whole = |scope| if team(scope) { RowScope::All } else { scope };
        let operations = self.operations.iter().filter(|(operation, scope)| kept(**operation, **scope));
        Self { operations: operations.map(|(operation, scope)| (*operation, whole(*scope))).collect(), ..self.clone() }
    }

    fn covers(&self, other: &ObjectGrant) -> bool {
        let fields = self.fields.keys().chain(other.fields.keys());
        Operation::ALL.into_iter().all(|operation| self.scope(operation) >= other.scope(operation))
            && self.other_fields >= other.other_fields
            && fields.into_iter().all(|id| self.field(*id) >= other.field(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(operations: &[(Operation, RowScope)]) -> ObjectGrant {
        ObjectGrant { operations: operations.iter().copied().collect(), ..ObjectGrant::default() }
    }

    #[test]
    fn nothing_reaches_further_than_reading() {
        let grant = grant(&[(Operation::Read, RowScope::Own), (Operation::Update, RowScope::All)]);
        assert_eq!(grant.scope(Operation::Update), RowScope::Own);
        assert_eq!(grant.scope(Operation::Destroy), RowScope::None);
    }

    #[test]
    fn an_object_that_is_named_is_judged_by_its_own_line() {
        let (named, other) = (ObjectId::new(), ObjectId::new());
        let all = grant(&[(Operation::Read, RowScope::All)]);
        let grants = Grants { others: all, objects: [(named, grant(&[]))].into(), ..Grants::default() };
        assert_eq!(grants.scope(named, Operation::Read), RowScope::None);
        assert_eq!(grants.scope(other, Operation::Read), RowScope::All);
    }

    #[test]
    fn covering_looks_at_every_object_and_field() {
        let (object, field) = (ObjectId::new(), FieldId::new());
        let all = grant(&[(Operation::Read, RowScope::All)]);
        let whole = Grants { others: all.clone(), ..Grants::default() };
        let mut hiding = whole.clone();
        let hidden = ObjectGrant { fields: [(field, FieldAccess::Hidden)].into(), ..all };
        hiding.objects.insert(object, hidden);
        assert!(whole.covers(&hiding) && !hiding.covers(&whole));
        let mut asking = whole.clone();
        asking.permissions.insert(Permission::ManageRoles);
        assert!(!whole.covers(&asking));
    }

    #[test]
    fn what_teams_give_is_told_from_the_rest() {
        let own = grant(&[(Operation::Create, RowScope::All), (Operation::Read, RowScope::Own)]);
        let team = grant(&[
            (Operation::Read, RowScope::Team),
            (Operation::Update, RowScope::Team),
            (Operation::Destroy, RowScope::Own),
        ]);
        let (mine, theirs) = (ObjectId::new(), ObjectId::new());
        let grants = Grants { objects: [(mine, own), (theirs, team)].into(), ..Grants::default() };
        let by_teams = grants.by_teams();
        assert_eq!(by_teams.scope(theirs, Operation::Update), RowScope::All);
        assert_eq!(by_teams.scope(theirs, Operation::Destroy), RowScope::None);
        assert_eq!(by_teams.scope(mine, Operation::Create), RowScope::None);
        let reading = grant(&[(Operation::Read, RowScope::All), (Operation::Update, RowScope::All)]);
        let all = Grants { others: reading, ..Grants::default() };
        assert!(all.covers(&by_teams) && !grants.covers(&by_teams));
        let none = Grants { others: grant(&[(Operation::Read, RowScope::Own)]), ..Grants::default() };
        assert!(none.covers(&none.by_teams()));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let grants = Grants {
            permissions: [Permission::ManageMembers].into(),
            others: grant(&[(Operation::Read, RowScope::Team)]),
            objects: [(ObjectId::new(), grant(&[(Operation::Export, RowScope::All)]))].into(),
        };
        let stored = serde_json::to_string(&grants).unwrap();
        assert_eq!(serde_json::from_str::<Grants>(&stored).unwrap(), grants);
        assert!(serde_json::from_str::<Grants>(r#"{"everything":true}"#).is_err(), "an unknown name grants nothing");
    }
}
