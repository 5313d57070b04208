//! What a write asks for, and its result.

use entities::ids::{FieldId, ObjectId, RecordId};

use crate::values::Value;

/// The values of one record that are being written.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Values from the caller, already parsed; missing fields do not change.
    pub values: Vec<(FieldId, Value)>,
    /// Stored values of the fields that rules need; empty on create.
    pub before: Vec<(FieldId, Value)>,
}

impl Draft {
    /// The new value, if the field is being set.
    pub fn get(&self, field: FieldId) -> Option<&Value> {
        self.values.iter().find(|(id, _)| *id == field).map(|(_, value)| value)
    }

    /// The value after the write: the new one, otherwise the stored one.
    pub fn after(&self, field: FieldId) -> Option<&Value> {
        self.get(field).or_else(|| self.before.iter().find(|(id, _)| *id == field).map(|(_, value)| value))
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, field: FieldId, value: Value) {
        match self.values.iter_mut().find(|(id, _)| *id == field) {
            Some(slot) => slot.1 = value,
            None => self.values.push((field, value)),
        }
    }
}

/// One change of one record.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// Which object.
    pub object: ObjectId,
    /// What to do.
    pub change: Change,
}

/// What to do with a record.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new record; the id is given in advance so that other records can link to it.
    Create { id: RecordId, draft: Draft },
    /// New values; with a version, only if the record still has that version.
    Update { id: RecordId, draft: Draft, version: Option<i64> },
    /// Archive.
    Archive { id: RecordId },
    /// Restore.
    Restore { id: RecordId },
    /// Delete permanently.
    Destroy { id: RecordId },
}

/// The result for one record.
#[derive(Clone, Debug)]
pub struct WriteOutcome {
    /// Which object.
    pub object: ObjectId,
    /// Which record.
    pub id: RecordId,
    /// What was done.
    pub kind: WriteKind,
    /// New values of the fields that changed, as stored; contacts as [`Value::Contact`]. For a destroyed record, the
    /// last values of the fields that rules need.
    pub values: Vec<(FieldId, Value)>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    Created,
    Updated,
    Archived,
    Restored,
    Destroyed,
    /// Totals of the record moved because related records changed: told in the feed alone, no part of its history.
    Rollup,
    /// Rollups of all records of an object were computed anew: told in the feed alone, without a record.
    Rebuilt,
    /// Nothing: the record already had all values.
    Unchanged,
}

impl WriteKind {
    /// Name in history and feed.
    pub fn name(self) -> &'static str {
        match self {
            WriteKind::Created => "CREATED",
            WriteKind::Updated => "UPDATED",
            WriteKind::Archived => "ARCHIVED",
            WriteKind::Restored => "RESTORED",
            WriteKind::Destroyed => "DESTROYED",
            WriteKind::Rollup => "ROLLUP",
            WriteKind::Rebuilt => "REBUILT",
            WriteKind::Unchanged => "UNCHANGED",
        }
    }

    /// Parses the name in the history.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "CREATED" => WriteKind::Created,
            "UPDATED" => WriteKind::Updated,
            "ARCHIVED" => WriteKind::Archived,
            "RESTORED" => WriteKind::Restored,
            "DESTROYED" => WriteKind::Destroyed,
            "ROLLUP" => WriteKind::Rollup,
            "REBUILT" => WriteKind::Rebuilt,
            _ => WriteKind::Unchanged,
        }
    }
}

impl Change {
    /// Which record.
    pub fn id(&self) -> RecordId {
        match self {
            Change::Create { id, .. }
            | Change::Update { id, .. }
            | Change::Archive { id }
            | Change::Restore { id }
            | Change::Destroy { id } => *id,
        }
    }
}
