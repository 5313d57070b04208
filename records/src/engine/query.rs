//! What a read asks for, and its result.

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
    /// The object to read.
    pub object: ObjectId,
    /// Fields to read, in the order of [`Row::cells`]. To-many relations are read by [`super::children`].
    pub select: Vec<FieldId>,
    /// Which records.
    pub filter: Option<Filter>,
    /// The order. The id is always the last tie-break, in the direction of the last key (ascending without keys), so
    /// that one index serves both directions.
    pub order: Vec<Order>,
    /// Which page.
    pub page: Page,
    /// Whether archived records are included.
    pub archived: Archived,
    /// Whether to count all matches too.
    pub total: bool,
}

/// A sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// By which field.
    pub field: FieldId,
    /// Descending; nulls are lowest.
    pub descending: bool,
}

/// A page by cursor: forwards (`first`, `after`) or backwards (`last`, `before`).
#[derive(Clone, Debug)]
pub struct Page {
    /// Most records, 1 to 200.
    pub limit: u32,
    /// True for `last`/`before`.
    pub backwards: bool,
    /// The cursor to start from.
    pub cursor: Option<String>,
}

/// Whether archived records are included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Archived {
    /// Left out.
    #[default]
    Exclude,
    /// Included.
    Include,
    /// Only archived records.
    Only,
}

/// A record that was read.
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
    /// A record of which only the id was requested, under any number of names.
    pub fn bare(id: RecordId, cells: usize) -> Self {
        Self { id, cells: vec![Value::Id(id.0); cells], order: Vec::new() }
    }
}

/// Whether only ids are selected.
pub fn id_alone(ctx: &Ctx, select: &[FieldId]) -> bool {
    select.iter().all(|id| ctx.catalog.field(*id).is_some_and(|field| field.kind == FieldKind::Id))
}

/// The resulting page.
#[derive(Clone, Debug)]
pub struct Listing {
    /// In the requested order (also when read backwards).
    pub rows: Vec<Row>,
    /// More records follow.
    pub has_next: bool,
    /// Records precede.
    pub has_previous: bool,
    /// The number of all matches, if requested.
    pub total: Option<i64>,
    /// Binds cursors to order and filter.
    pub(crate) fingerprint: u64,
}

/// Numbers about records, by group.
#[derive(Clone, Debug)]
pub struct AggregateQuery {
    /// The object to read.
    pub object: ObjectId,
    /// Which records.
    pub filter: Option<Filter>,
    /// Whether archived records count.
    pub archived: Archived,
    /// The keys of a group; empty for one group of all.
    pub group_by: Vec<GroupKey>,
    /// What to compute for each group.
    pub measures: Vec<Measure>,
    /// The order; the keys are always the last tie-break (ascending).
    pub order: Vec<GroupOrder>,
    /// Most groups, 1 to 1 000.
    pub limit: u32,
}

/// A key of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// A to-one relation is grouped by the related record's id, a text by its fold.
    pub field: FieldId,
    /// By its value, or by a period of time.
    pub bucket: Bucket,
}

/// How values become groups. All but `Value` are for dates and instants and return the start of the bucket: a day, or
/// an instant in the organisation's time zone.
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

/// What to compute for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The function.
    pub function: RollupFunction,
    /// The field; a count without one counts records. The result has the type of a rollup: money is computed in the
    /// base currency and returned as a decimal at scale 4, the average of whole numbers at scale 2.
    pub field: Option<FieldId>,
}

/// A sort key of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// By what.
    pub by: GroupOrderBy,
    /// Descending; nulls are lowest.
    pub descending: bool,
}

/// What groups are sorted by, as a position in the query's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupOrderBy {
    Key(usize),
    Measure(usize),
}

/// A resulting group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// In the order of the query's `group_by`; null for records without a value.
    pub keys: Vec<Value>,
    /// In the order of the query's `measures`; null if there was no value.
    pub measures: Vec<Value>,
}
