//! What a read asks for and what it answers.

use entities::ids::{FieldId, ObjectId, RecordId};

use crate::{
    Ctx,
    catalog::{FieldKind, RollupFunction},
    filter::Filter,
    values::Value,
};

/// A page of records.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which object.
    pub object: ObjectId,
    /// Columns wanted, in the order of [`Row::cells`]. To-many relations are read by [`super::children`].
    pub select: Vec<FieldId>,
    /// Which records.
    pub filter: Option<Filter>,
    /// In which order; the id is always the last tie-break, in the direction of the last key (ascending without one),
    /// so that one index serves both directions.
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

impl Row {
    /// A record of which nothing but its id was asked, by any number of names.
    pub fn bare(id: RecordId, cells: usize) -> Self {
        Self { id, cells: vec![Value::Id(id.0); cells], order: Vec::new() }
    }
}

/// Whether nothing but ids is selected.
pub fn id_alone(ctx: &Ctx, select: &[FieldId]) -> bool {
    select.iter().all(|id| ctx.catalog.field(*id).is_some_and(|field| field.kind == FieldKind::Id))
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

/// Numbers about records, by group.
#[derive(Clone, Debug)]
pub struct AggregateQuery {
    /// Which object.
    pub object: ObjectId,
    /// Which records.
    pub filter: Option<Filter>,
    /// Whether archived records count.
    pub archived: Archived,
    /// What makes a group; none for one group of all.
    pub group_by: Vec<GroupKey>,
    /// What is computed of each group.
    pub measures: Vec<Measure>,
    /// In which order; the keys are always the last tie-break (ascending).
    pub order: Vec<GroupOrder>,
    /// At most this many groups, 1 to 1 000.
    pub limit: u32,
}

/// What makes a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// By which field. A to-one relation groups by the related record's id, a text by its fold.
    pub field: FieldId,
    /// By its value, or by the time it falls in.
    pub bucket: Bucket,
}

/// How values become groups. All but `Value` are for dates and instants and answer the bucket's start: a day, or an
/// instant in the organisation's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    Value,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// What is computed of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The function.
    pub function: RollupFunction,
    /// Of which field; a count without one counts records. The result's kind is that of a kept total: money is computed
    /// in the organisation's currency and answered as a decimal at scale 4, the mean of whole numbers at scale 2.
    pub field: Option<FieldId>,
}

/// Sort key of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// By what.
    pub by: GroupOrderBy,
    /// From great to small; nulls are smallest.
    pub descending: bool,
}

/// What groups are sorted by, as a place in the query's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupOrderBy {
    Key(usize),
    Measure(usize),
}

/// A group as answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// In the order of the query's `group_by`; null where the records have no value.
    pub keys: Vec<Value>,
    /// In the order of the query's `measures`; null for no value at all.
    pub measures: Vec<Value>,
}
