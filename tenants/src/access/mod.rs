//! What an actor may do: named permissions, row scopes of the operations on each object, and access to fields. Roles
//! define it; the record engine checks it on every read and write.

mod changed;
mod grants;
mod load;

use std::sync::Arc;

pub use changed::changed;
use entities::ids::{FieldId, MemberId, ObjectId};
pub use grants::{FieldAccess, Grants, ObjectGrant, Operation, Permission, RowScope};
use sha2::{Digest, Sha256};

pub use load::{ALL, grants_of, is_owner, of_actor, of_role, role_of};

/// What an actor may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything: the roles `owner` and `admin`, and the system itself.
    All,
    /// What a role or a key allows; everything else is refused.
    Granted(Granted),
}

/// The access of one actor through a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What the role allows.
    pub grants: Arc<Grants>,
    /// Members whose records count as the team's, including the actor's own. Filled only if the role uses the scope
    /// TEAM.
    pub team: Vec<MemberId>,
}

impl Access {
    /// No access to anything.
    pub fn nothing() -> Self {
        Self::of(Grants::default())
    }

    /// The access that these grants give to somebody without a team.
    pub fn of(grants: Grants) -> Self {
        Self::Granted(Granted { grants: Arc::new(grants), team: Vec::new() })
    }

    /// The row scope of an operation on an object. A record must be readable to be changed, so no operation on existing
    /// records has a wider scope than READ.
    pub fn scope(&self, object: ObjectId, operation: Operation) -> RowScope {
        match self {
            Access::All => RowScope::All,
            Access::Granted(granted) => granted.grants.scope(object, operation),
        }
    }

    /// The access to the values of a field.
    pub fn field(&self, object: ObjectId, field: FieldId) -> FieldAccess {
        match self {
            Access::All => FieldAccess::Write,
            Access::Granted(granted) => granted.grants.field(object, field),
        }
    }

    /// Whether a named permission is given.
    pub fn has(&self, permission: Permission) -> bool {
        match self {
            Access::All => true,
            Access::Granted(granted) => granted.grants.permissions.contains(&permission),
        }
    }

    /// Whether any operation has the row scope TEAM, so that the team's members matter.
    pub fn speaks_of_teams(&self) -> bool {
        match self {
            Access::All => false,
            Access::Granted(granted) => granted.grants.speaks_of_teams(),
        }
    }

    /// Whether it gives everything that the other would give to a member whose teams hold everybody.
    pub fn covers_teams_of(&self, other: &Access) -> bool {
        match other {
            Access::All => true,
            Access::Granted(other) => self.covers(&Access::of(other.grants.by_teams())),
        }
    }

    /// A fingerprint: equal accesses have the same text, for every actor and in every process.
    pub fn fingerprint(&self) -> String {
        let Access::Granted(granted) = self else { return "all".to_owned() };
        // maps are ordered by key, so equal grants give the same text
        let text = serde_json::to_vec(&(&*granted.grants, &granted.team)).unwrap_or_default();
        Sha256::digest(text)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it gives everything that the other gives. Nobody may hand out more than they have.
    pub fn covers(&self, other: &Access) -> bool {
        match (self, other) {
            (Access::All, _) => true,
            (_, Access::All) => false,
            (Access::Granted(own), Access::Granted(other)) => own.grants.covers(&other.grants),
        }
    }
}
