//! What an actor may do: the named permissions, the operations on objects with how far they reach, and the access to
//! fields. Roles say it (design §7); the record engine asks it for every read and write.

mod grants;
mod load;

use std::sync::Arc;

use entities::ids::{FieldId, MemberId, ObjectId};
pub use grants::{FieldAccess, Grants, ObjectGrant, Operation, Permission, RowScope};
use sha2::{Digest, Sha256};

pub use load::{ALL, grants_of, is_owner, of_actor, of_role, role_of};

/// What an actor may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything: the roles `owner` and `admin`, and ourselves.
    All,
    /// What a role or a key says; everything else is refused.
    Granted(Granted),
}

/// The access of one actor by a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What the role says.
    pub grants: Arc<Grants>,
    /// Members whose records count as the team's, the actor's own included; filled where the role speaks of teams.
    pub team: Vec<MemberId>,
}

impl Access {
    /// No access to anything.
    pub fn nothing() -> Self {
        Self::of(Grants::default())
    }

    /// The access that grants give to somebody without a team.
    pub fn of(grants: Grants) -> Self {
        Self::Granted(Granted { grants: Arc::new(grants), team: Vec::new() })
    }

    /// How far an operation on an object reaches. What cannot be seen cannot be changed, so no operation on records
    /// that are there reaches further than reading.
    pub fn scope(&self, object: ObjectId, operation: Operation) -> RowScope {
        match self {
            Access::All => RowScope::All,
            Access::Granted(granted) => granted.grants.scope(object, operation),
        }
    }

    /// What may be done with the values of a field.
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

    /// Whether any operation reaches as far as the team: whom the team holds then says what may be done.
    pub fn speaks_of_teams(&self) -> bool {
        match self {
            Access::All => false,
            Access::Granted(granted) => granted.grants.speaks_of_teams(),
        }
    }

    /// Whether it gives everything that the other would give by a team that holds everybody.
    pub fn covers_teams_of(&self, other: &Access) -> bool {
        match other {
            Access::All => true,
            Access::Granted(other) => self.covers(&Access::of(other.grants.by_teams())),
        }
    }

    /// Tells accesses apart: the same text for the same access, whoever has it and in whichever process.
    pub fn fingerprint(&self) -> String {
        let Access::Granted(granted) = self else { return "all".to_owned() };
        // maps in order of their keys: the same grants are the same text
        let text = serde_json::to_vec(&(&*granted.grants, &granted.team)).unwrap_or_default();
        Sha256::digest(text)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it gives everything that the other gives: nobody hands out more than they have.
    pub fn covers(&self, other: &Access) -> bool {
        match (self, other) {
            (Access::All, _) => true,
            (_, Access::All) => false,
            (Access::Granted(own), Access::Granted(other)) => own.grants.covers(&other.grants),
        }
    }
}
