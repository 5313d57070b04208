//! What a read asks for and what it answers.

use entities::ids::{FieldId, ObjectId, RecordId};

use crate::{filter::Filter, values::Value};

/// A page of records.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which object.
    pub object: ObjectId,
    /// Columns wanted, in the order of [`Row::cells`]. To-many relations are read by [`super::children`].
    pub select: Vec<FieldId>,
    /// Which records.
    pub filter: Option<Filter>,
    /// In which order; the id is always the last tie-break (ascending).
    pub order: Vec<Order>,
    /// Which part.
    pub page: Page,
    /// Whether archived records are seen.
    pub archived: Archived,
    /// Count all matches too.
    pub total: bool,
}

/// Sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// By which field.
    pub field: FieldId,
    /// From great to small; nulls are smallest.
    pub descending: bool,
}

/// Part of a list, by cursor. Either forwards (`first`, `after`) or backwards (`last`, `before`).
#[derive(Clone, Debug)]
pub struct Page {
    /// At most this many records, 1 to 200.
    pub limit: u32,
    /// True for `last`/`before`.
    pub backwards: bool,
    /// The cursor to start from.
    pub cursor: Option<String>,
}

/// Whether archived records are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Archived {
    /// Hidden.
    #[default]
    Exclude,
    /// Shown with the others.
    Include,
    /// Only they.
    Only,
}

/// A record as read.
#[derive(Clone, Debug)]
pub struct Row {
    /// The record.
    pub id: RecordId,
    /// Values in the order of the query's `select`.
    pub cells: Vec<Value>,
    /// Values of the order's fields, for [`Listing::cursor`].
    pub(crate) order: Vec<Value>,
}

/// A page as answered.
#[derive(Clone, Debug)]
pub struct Listing {
    /// In the order asked for (also when read backwards).
    pub rows: Vec<Row>,
    /// More records follow.
    pub has_next: bool,
    /// Records come before.
    pub has_previous: bool,
    /// All matches, where asked for.
    pub total: Option<i64>,
    /// Binds cursors to order and filter.
    pub(crate) fingerprint: u64,
}
