//! The objects and fields of an organisation, and their names in the database.
//!
//! A [`Catalog`] is an immutable snapshot of one version. Everything that shows or accepts data is derived from it.

use std::collections::{BTreeMap, HashMap};

pub use entities::ids::{ConstraintId, FieldId, ObjectId, SectionId};
use serde::{Deserialize, Serialize};
use tenants::keys::DataKeys;

use crate::values::Rates;

/// Texts by language (`en`, `fr`, `es`).
pub type Labels = BTreeMap<String, String>;

/// One version of a tenant's objects and fields.
#[derive(Debug)]
pub struct Catalog {
    /// Raised by every change of the catalog.
    pub version: i64,
    /// Standard objects first, then by creation.
    pub objects: Vec<Object>,
    /// Exchange rates. A changed rate applies from the next request on, like every change of the catalog.
    pub rates: Rates,
    pub(crate) object_by_id: HashMap<ObjectId, usize>,
    pub(crate) object_by_name: HashMap<String, usize>,
    /// Where a field is: the index of its object, then its index there.
    pub(crate) field_by_id: HashMap<FieldId, (usize, usize)>,
}

/// Who declared an object or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Every object has it; the engine writes it.
    System,
    /// Declared in code, the same in every tenant.
    Standard,
    /// Created by an admin.
    Custom,
}

/// A kind of record, with its own table.
#[derive(Clone, Debug)]
pub struct Object {
    /// Stable id.
    pub id: ObjectId,
    /// API name in the singular, camelCase: `vehicle`.
    pub name: String,
    /// API name in the plural, camelCase: `vehicles`.
    pub plural: String,
    /// Label in the interface.
    pub label: Labels,
    /// Plural label in the interface.
    pub plural_label: Labels,
    /// Physical table: `o12`, or a system table (`members`).
    pub table: String,
    /// Who declared it.
    pub origin: Origin,
    /// False for objects that the record engine reads but does not write (`member`).
    pub writable: bool,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// All fields that are not retired, by section and position; system fields first.
    pub fields: Vec<Field>,
    /// Fields that are unique together, in the order in which they were declared.
    pub constraints: Vec<Constraint>,
    pub(crate) field_by_name: HashMap<String, usize>,
}

/// Fields of an object that are unique together: no two records that are not archived have the same values in all of
/// them. A record without a value in one of them meets nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Stable id.
    pub id: ConstraintId,
    /// In the order in which they were named.
    pub fields: Vec<FieldId>,
    /// Name of the index that keeps it.
    pub index: String,
    /// Who declared it.
    pub origin: Origin,
    /// Whether it holds yet: building, active or failed.
    pub state: FieldState,
    /// Why it failed, with an example.
    pub failure: Option<String>,
}

/// A labelled group of fields on a form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Section {
    /// Stable id.
    pub id: SectionId,
    /// API name.
    pub name: String,
    /// Label in the interface.
    pub label: Labels,
    /// Order among the object's sections.
    pub position: i32,
}

/// A property of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Stable id; filters, history and mappings refer to it.
    pub id: FieldId,
    /// The object it belongs to.
    pub object: ObjectId,
    /// API name, camelCase.
    pub name: String,
    /// Physical column (`f87`, or `created_at`); empty for to-many relations, which have none.
    pub column: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Label in the interface.
    pub label: Labels,
    /// Help text in the interface.
    pub help: Labels,
    /// Its section on forms.
    pub section: Option<SectionId>,
    /// Order in its section.
    pub position: i32,
    /// Who declared it.
    pub origin: Origin,
    /// Every write must leave a value in it.
    pub required: bool,
    /// No two records that are not archived may have the same folded value.
    pub unique: bool,
    /// The value of new records that give none, in the API's format.
    pub default: Option<serde_json::Value>,
    /// Limits on the value.
    pub validation: Validation,
    /// Search includes it.
    pub searchable: bool,
    /// Changes are kept in the history.
    pub audited: bool,
    /// Its class of personal data, if it is personal.
    pub personal: Option<Personal>,
    /// Whether it can be used yet.
    pub state: FieldState,
    /// Why its index or backfill failed, in state [`FieldState::Failed`].
    pub failure: Option<String>,
    /// False if only the engine or a rule writes it.
    pub writable: bool,
    /// Whether its values are encrypted.
    pub encryption: Encryption,
    /// The keys of its encryption, in a catalog that was read from its tenant.
    pub keys: Option<DataKeys>,
    /// The type that it is being converted to.
    pub changing: Option<Box<FieldKind>>,
    /// Its earlier types, oldest first.
    pub past: Vec<Past>,
}

/// How values are encrypted: sealed for their record and field, in history too. They cannot be sorted, searched,
/// grouped or aggregated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Encryption {
    /// Not encrypted.
    #[default]
    None,
    /// Sealed, and they cannot be compared.
    Sealed,
    /// Sealed, and equal values are found by a keyed hash. Whoever has the database sees which records share a value.
    SealedEquality,
}

impl Encryption {
    /// Whether values are encrypted.
    pub fn is_some(self) -> bool {
        self != Encryption::None
    }

    /// Whether equal values can be found.
    pub fn has_equality(self) -> bool {
        self == Encryption::SealedEquality
    }
}

/// A type that a field had before. Values written then are read with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The last commit with this type.
    pub until: i64,
    /// The first version of the catalog without it.
    pub version: i64,
    /// The type.
    pub kind: FieldKind,
}

/// The life cycle of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// Values can be read and written; its index or backfill is still being built, so uniqueness does not hold yet.
    Building,
    /// Ready.
    Active,
    /// Its index or backfill failed; the catalog holds the reason.
    Failed,
    /// A standard field whose name a custom field has taken.
    Inactive,
    /// Deleted; its column is dropped later.
    Retired,
}

/// Class of personal data (GDPR art. 4 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// Identifies or describes a person.
    Ordinary,
    /// A special category: health, belief, origin.
    Sensitive,
}

/// Limits on a value; all optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Validation {
    /// Least value in the API's format; for texts the least length in characters.
    pub min: Option<String>,
    /// Greatest value in the API's format; for texts the greatest length in characters.
    pub max: Option<String>,
    /// A regular expression that the whole text must match (linear time).
    pub pattern: Option<String>,
    /// Required only on records created after this was set.
    pub required_for_new_only: bool,
    /// Required if the record matches; checked when the field, or one that the condition uses, is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_when: Option<crate::filter::Filter>,
    /// Shown on forms if the record matches; it has no other effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<crate::filter::Filter>,
}

/// An option of a select field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Immutable key, `[a-z0-9_]{1,40}`.
    pub value: String,
    /// Label by language.
    pub label: Labels,
    /// No longer offered, still shown.
    #[serde(default)]
    pub retired: bool,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldKind {
    /// The record's id.
    Id,
    /// Who acted: `kind:id` (system fields only).
    Actor,
    /// One line, up to 1 000 characters.
    Text,
    /// Many lines, up to 100 000 characters; `contains` but no sort or uniqueness.
    LongText,
    /// 64-bit integer.
    Integer,
    /// Decimal number, kept as an integer at this scale (0 to 9).
    Decimal { scale: u8 },
    /// Amount at scale 4 with its currency and the amount in the tenant's base currency.
    Money,
    /// Percent at scale 2.
    Percent,
    /// 1 to `max` (at most 10).
    Rating { max: u8 },
    /// True or false.
    Boolean,
    /// Calendar day without zone, kept as days since 1970-01-01.
    Date,
    /// Instant, kept in microseconds UTC.
    DateTime,
    /// Duration in microseconds, written as ISO 8601.
    Duration,
    /// One of the options.
    Select { options: Vec<Choice> },
    /// Several of the options.
    MultiSelect { options: Vec<Choice> },
    /// Free tags.
    Tags,
    /// Email address; key: lower case, punycode domain.
    Email,
    /// Phone number; key: E.164 where possible.
    Phone,
    /// http or https address.
    Url,
    /// Number assigned by the engine: prefix and zero-padded counter.
    AutoNumber { prefix: String, width: u8 },
    /// Any JSON up to 64 kB; cannot be filtered or sorted.
    Json,
    /// Link to records of an object.
    Relation(Relation),
    /// Link to a record of any of these objects; of all there are, if none is named. [`crate::values::Target`] says how it
    /// is stored.
    Link { to: Vec<ObjectId> },
    /// Rollup over a relation.
    Rollup(Rollup),
}

/// A link between two objects, seen from one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Relation {
    /// The object at the other end.
    pub to: ObjectId,
    /// How many on each side, read from this side.
    pub cardinality: Cardinality,
    /// The field at the other end that shows the same link; `None` for one-way links.
    pub inverse: Option<FieldId>,
    /// What happens to this record when the other is destroyed (to-one side only).
    pub on_destroy: OnDestroy,
    /// Table of a many-to-many link, columns `a` (this field's owner side, see `forward`) and `b`.
    pub link_table: Option<String>,
    /// Many-to-many: true on the side whose records are in column `a`.
    pub forward: bool,
}

/// How many records a relation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cardinality {
    /// Each record links to one other: this side has the column.
    ManyToOne,
    /// Many others link to this record: this side has no column.
    OneToMany,
    /// Both sides many: a link table.
    ManyToMany,
}

/// What happens to a record when the record it links to is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnDestroy {
    /// It cannot be destroyed while links to it exist.
    Restrict,
    /// The link is set to null.
    SetNull,
    /// This record is destroyed too.
    Cascade,
}

/// An aggregate over the records of a to-many relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollup {
    /// One-to-many relation field on the same object.
    pub relation: FieldId,
    /// What is computed.
    pub function: RollupFunction,
    /// Field of the related object; `None` for a count.
    pub field: Option<FieldId>,
    /// Only related records that match (a stored filter by field id).
    pub filter: Option<crate::filter::Filter>,
    /// Type of the result.
    pub result: Box<FieldKind>,
}

/// What a rollup or aggregate computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RollupFunction {
    /// Number of records.
    Count,
    /// Sum.
    Sum,
    /// Minimum.
    Min,
    /// Maximum.
    Max,
    /// Average, half-even at the field's scale.
    Avg,
}
