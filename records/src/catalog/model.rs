//! What an organisation's data looks like: objects, their fields, and how both are named in the database.
//!
//! A [`Catalog`] is an immutable snapshot of one version. Everything that shows or takes data is derived from it.

use std::collections::{BTreeMap, HashMap};

pub use entities::ids::{FieldId, ObjectId, SectionId};
use serde::{Deserialize, Serialize};
use tenants::keys::DataKeys;

use crate::values::Rates;

/// Texts by language (`en`, `fr`, `es`).
pub type Labels = BTreeMap<String, String>;

/// One version of a tenant's objects and fields.
#[derive(Debug)]
pub struct Catalog {
    /// Grows with every change of the catalog.
    pub version: i64,
    /// Standard objects first, in the order of their birth.
    pub objects: Vec<Object>,
    /// What other currencies are worth: a change of a rate holds from the next request on, as every change of the
    /// catalog does.
    pub rates: Rates,
    pub(crate) object_by_id: HashMap<ObjectId, usize>,
    pub(crate) object_by_name: HashMap<String, usize>,
    /// Where a field is: object, then its index there.
    pub(crate) field_by_id: HashMap<FieldId, (usize, usize)>,
}

/// Who declared an object or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Every object has it; the engine writes it.
    System,
    /// Declared in code by a module, the same in every tenant.
    Standard,
    /// Made by an admin.
    Custom,
}

/// A kind of record, with a table of its own.
#[derive(Clone, Debug)]
pub struct Object {
    /// Stable identity.
    pub id: ObjectId,
    /// API name in the singular, camelCase: `vehicle`.
    pub name: String,
    /// API name in the plural, camelCase: `vehicles`.
    pub plural: String,
    /// Title in the interface.
    pub label: Labels,
    /// Title of many, in the interface.
    pub plural_label: Labels,
    /// Physical table: `o12`, or a system table (`members`).
    pub table: String,
    /// Who declared it.
    pub origin: Origin,
    /// False for objects which the record engine reads but does not write (`member`).
    pub writable: bool,
    /// Sections in their order.
    pub sections: Vec<Section>,
    /// All fields that are not retired, in the order of section and position; system fields first.
    pub fields: Vec<Field>,
    pub(crate) field_by_name: HashMap<String, usize>,
}

/// A titled group of fields on a form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Section {
    /// Stable identity.
    pub id: SectionId,
    /// API name.
    pub name: String,
    /// Title in the interface.
    pub label: Labels,
    /// Order among the object's sections.
    pub position: i32,
}

/// A property of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Stable identity; filters, history and mappings refer to it.
    pub id: FieldId,
    /// The object it belongs to.
    pub object: ObjectId,
    /// API name, camelCase.
    pub name: String,
    /// Physical column (`f87`, or `created_at`); empty for to-many relations, which have none.
    pub column: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Title in the interface.
    pub label: Labels,
    /// Explanation in the interface.
    pub help: Labels,
    /// Group on a form.
    pub section: Option<SectionId>,
    /// Order in its section.
    pub position: i32,
    /// Who declared it.
    pub origin: Origin,
    /// A write must leave it with a value.
    pub required: bool,
    /// No two records that are not archived may share its folded value.
    pub unique: bool,
    /// Value of new records that bring none, as the API would take it.
    pub default: Option<serde_json::Value>,
    /// Limits on the value.
    pub validation: Validation,
    /// Search looks at it.
    pub searchable: bool,
    /// Changes are kept in the history.
    pub audited: bool,
    /// Why the law cares about it, where it does.
    pub personal: Option<Personal>,
    /// Whether it can be used.
    pub state: FieldState,
    /// Why its index or backfill failed, in the state [`FieldState::Failed`].
    pub failure: Option<String>,
    /// False where only the engine or a rule writes it.
    pub writable: bool,
    /// Whether its values are encrypted.
    pub encryption: Encryption,
    /// What they are encrypted with, in a catalog that was read from its tenant.
    pub keys: Option<DataKeys>,
    /// The type that it is about to have, while its values are being converted.
    pub changing: Option<Box<FieldKind>>,
    /// The types that it had before, oldest first.
    pub past: Vec<Past>,
}

/// How values are encrypted: sealed for their record and field, in history too. They are neither sorted, searched,
/// grouped nor totalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Encryption {
    /// They are not.
    #[default]
    None,
    /// Sealed; they cannot be compared either.
    Sealed,
    /// Sealed, and found when they are equal, by a keyed hash. Who has the database sees which records share a value.
    SealedEquality,
}

impl Encryption {
    /// Whether values are encrypted.
    pub fn is_some(self) -> bool {
        self != Encryption::None
    }

    /// Whether equal values are found.
    pub fn has_equality(self) -> bool {
        self == Encryption::SealedEquality
    }
}

/// A type that a field no longer has. What was written in its time means what it meant then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The last commit of its time.
    pub until: i64,
    /// The first version of the catalog that knows it no more.
    pub version: i64,
    /// The type.
    pub kind: FieldKind,
}

/// Life of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// Usable for values; its index or backfill is still being made, so not for uniqueness.
    Building,
    /// Usable.
    Active,
    /// Its index or backfill failed; the reason stands in the catalog.
    Failed,
    /// A standard field whose name a custom field already has.
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

/// Limits that a value must keep; all optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Validation {
    /// Least value as the API writes it; least length in characters for texts.
    pub min: Option<String>,
    /// Greatest value as the API writes it; greatest length in characters for texts.
    pub max: Option<String>,
    /// A regular expression which the whole text must match (linear time).
    pub pattern: Option<String>,
    /// Required only on records created after the rule.
    pub required_for_new_only: bool,
    /// Required of records that match; asked when the field, or one that the condition looks at, is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_when: Option<crate::filter::Filter>,
    /// Shown on forms for records that match; nothing else depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<crate::filter::Filter>,
}

/// A choice of a select field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Immutable key, `[a-z0-9_]{1,40}`.
    pub value: String,
    /// Title by language.
    pub label: Labels,
    /// No longer offered, still shown.
    #[serde(default)]
    pub retired: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldKind {
    /// The record's id.
    Id,
    /// Who did it: `kind:id` (system fields only).
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
    /// Length of time in microseconds, written as ISO 8601.
    Duration,
    /// One of the choices.
    Select { options: Vec<Choice> },
    /// Several of the choices.
    MultiSelect { options: Vec<Choice> },
    /// Free words.
    Tags,
    /// Email address; key: lower case, punycode domain.
    Email,
    /// Phone number; key: E.164 where possible.
    Phone,
    /// http or https address.
    Url,
    /// Number given by the engine: prefix and zero-padded counter.
    AutoNumber { prefix: String, width: u8 },
    /// Any JSON up to 64 kB; neither filtered nor sorted.
    Json,
    /// Link to records of an object.
    Relation(Relation),
    /// Kept total over a relation.
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
    /// The field at the other end that shows the same link; none for one-way links.
    pub inverse: Option<FieldId>,
    /// What destroying the record at the other end does to this one (to-one side only).
    pub on_destroy: OnDestroy,
    /// Table of a many-to-many link, columns `a` (this field's owner side, see `forward`) and `b`.
    pub link_table: Option<String>,
    /// Many-to-many: true on the side whose records stand in column `a`.
    pub forward: bool,
}

/// How many records a relation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cardinality {
    /// This record names one other: it has the column.
    ManyToOne,
    /// Many others name this record: no column here.
    OneToMany,
    /// Both sides many: a link table.
    ManyToMany,
}

/// What happens to a record whose link's target is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnDestroy {
    /// Destroying is refused while links exist.
    Restrict,
    /// The link is emptied.
    SetNull,
    /// The record is destroyed too.
    Cascade,
}

/// A total over the records of a to-many relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollup {
    /// One-to-many relation field on the same object.
    pub relation: FieldId,
    /// What is computed.
    pub function: RollupFunction,
    /// Field of the related object; none for a count.
    pub field: Option<FieldId>,
    /// Only related records that match (stored filter by field id).
    pub filter: Option<crate::filter::Filter>,
    /// Kind of the result.
    pub result: Box<FieldKind>,
}

/// What a rollup or aggregate computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RollupFunction {
    /// Number of records.
    Count,
    /// Total.
    Sum,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Mean, half-even at the field's scale.
    Avg,
}
