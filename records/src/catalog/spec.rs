//! Declarations of objects and fields, by modules in code and by admins through the API. Plain data that refers to
//! others by name.

use std::collections::BTreeMap;

use super::{Cardinality, Encryption, FieldKind, Labels, OnDestroy, Personal, RollupFunction, Validation};
use crate::filter::Filter;

/// Labels in English, French and Spanish.
pub fn labels(en: &str, fr: &str, es: &str) -> Labels {
    [("en", en), ("fr", fr), ("es", es)].into_iter().map(|(code, text)| (code.to_owned(), text.to_owned())).collect()
}

/// The declaration of an object.
#[derive(Clone, Debug)]
pub struct ObjectSpec {
    /// API name in the singular.
    pub name: String,
    /// API name in the plural.
    pub plural: String,
    /// Label by language.
    pub label: Labels,
    /// Plural label by language.
    pub plural_label: Labels,
    /// An existing table that the engine only reads (`members`).
    pub table: Option<String>,
    /// Whether records have an owner, a member.
    pub owned: bool,
    /// Whether records are listed on their own, not only with the records that they belong to: then dates and names get
    /// indexes.
    pub listed: bool,
    /// Groups of fields, in order.
    pub sections: Vec<SectionSpec>,
    /// Fields besides the system fields; one named `name` or `externalId` refines that system field.
    pub fields: Vec<FieldSpec>,
    /// Names of fields that are unique together, for each constraint.
    pub unique: Vec<Vec<String>>,
}

impl ObjectSpec {
    /// An object with its system fields only.
    pub fn new(name: &str, plural: &str) -> Self {
        Self {
            name: name.to_owned(),
            plural: plural.to_owned(),
            label: BTreeMap::new(),
            plural_label: BTreeMap::new(),
            table: None,
            owned: false,
            listed: true,
            sections: Vec::new(),
            fields: Vec::new(),
            unique: Vec::new(),
        }
    }

    /// Labels in the singular and in the plural.
    pub fn labelled(mut self, one: Labels, many: Labels) -> Self {
        (self.label, self.plural_label) = (one, many);
        self
    }

    /// The object shows a system table: its fields name the columns, and the record engine does not write it.
    pub fn system_table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    /// Its records have an owner.
    pub fn owned(mut self) -> Self {
        self.owned = true;
        self
    }

    /// Its records are only found through the records that they belong to.
    pub fn part(mut self) -> Self {
        self.listed = false;
        self
    }

    /// Adds a section at the end.
    pub fn section(mut self, name: &str, label: Labels) -> Self {
        self.sections.push(SectionSpec { name: name.to_owned(), label, position: None });
        self
    }

    /// Adds a field at the end.
    pub fn field(mut self, field: FieldSpec) -> Self {
        self.fields.push(field);
        self
    }

    /// No two records that are not archived may have the same values in all of these fields.
    pub fn unique(mut self, fields: &[&str]) -> Self {
        self.unique.push(fields.iter().map(|name| (*name).to_owned()).collect());
        self
    }
}

/// The declaration of a section.
#[derive(Clone, Debug)]
pub struct SectionSpec {
    /// API name.
    pub name: String,
    /// Label by language.
    pub label: Labels,
    /// Order among the object's sections; by default last.
    pub position: Option<i32>,
}

/// The declaration of a field.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    /// API name.
    pub name: String,
    /// Its type.
    pub kind: KindSpec,
    /// Label by language.
    pub label: Labels,
    /// Help text by language.
    pub help: Labels,
    /// Name of its section.
    pub section: Option<String>,
    /// Order in its section; by default last.
    pub position: Option<i32>,
    /// Every write must leave a value in it.
    pub required: bool,
    /// No two records that are not archived may have the same value.
    pub unique: bool,
    /// The value of new records that give none.
    pub default: Option<serde_json::Value>,
    /// Limits on the value.
    pub validation: Validation,
    /// Search includes it.
    pub searchable: bool,
    /// Changes are kept in the history.
    pub audited: bool,
    /// Class of personal data.
    pub personal: Option<Personal>,
    /// Whether its values are encrypted.
    pub encryption: Encryption,
    /// False if only the engine or a rule writes it.
    pub writable: bool,
    /// Whether filters and order on it have an index (always so for custom fields).
    pub indexed: bool,
    /// Physical column in a system table.
    pub column: Option<String>,
}

impl FieldSpec {
    /// A field without rules.
    pub fn new(name: &str, kind: impl Into<KindSpec>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.into(),
            label: BTreeMap::new(),
            help: BTreeMap::new(),
            section: None,
            position: None,
            required: false,
            unique: false,
            default: None,
            validation: Validation::default(),
            searchable: false,
            audited: true,
            personal: None,
            encryption: Encryption::None,
            writable: true,
            indexed: false,
            column: None,
        }
    }

    /// Sets the label.
    pub fn label(mut self, label: Labels) -> Self {
        self.label = label;
        self
    }

    /// Sets the help text.
    pub fn help(mut self, help: Labels) -> Self {
        self.help = help;
        self
    }

    /// Sets the section.
    pub fn section(mut self, name: &str) -> Self {
        self.section = Some(name.to_owned());
        self
    }

    /// Every write must leave a value in it.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// No two records that are not archived may have the same value.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Sets the value of new records that give none.
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Sets the limits on the value.
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// Search includes it.
    pub fn searchable(mut self) -> Self {
        self.searchable = true;
        self
    }

    /// Changes are not kept in the history.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Marks it as personal data of this class.
    pub fn personal(mut self, class: Personal) -> Self {
        self.personal = Some(class);
        self
    }

    /// Encrypts its values.
    pub fn encrypted(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Only the engine or a rule writes it.
    pub fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// Gives filters and order on it an index.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// Sets its column in a system table.
    pub fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

/// The declared type of a field; refers to objects and fields by name.
#[derive(Clone, Debug)]
pub enum KindSpec {
    /// A value of its own (neither relation nor rollup).
    Value(FieldKind),
    /// A relation.
    Relation(RelationSpec),
    /// A link to a record of any of these objects, by their names; of all there are, if none is named.
    Link(Vec<String>),
    /// A rollup.
    Rollup(RollupSpec),
}

impl From<FieldKind> for KindSpec {
    fn from(kind: FieldKind) -> Self {
        KindSpec::Value(kind)
    }
}

impl From<RelationSpec> for KindSpec {
    fn from(relation: RelationSpec) -> Self {
        KindSpec::Relation(relation)
    }
}

impl From<RollupSpec> for KindSpec {
    fn from(rollup: RollupSpec) -> Self {
        KindSpec::Rollup(rollup)
    }
}

/// The declaration of a link, seen from the object that declares it.
#[derive(Clone, Debug)]
pub struct RelationSpec {
    /// Name of the object at the other end; may be the same object.
    pub to: String,
    /// Many-to-one or many-to-many. A one-to-many is the inverse of a many-to-one.
    pub cardinality: Cardinality,
    /// Name and label of the field that appears at the other end.
    pub inverse: Option<(String, Labels)>,
    /// What happens to this record when the other is destroyed.
    pub on_destroy: OnDestroy,
}

impl RelationSpec {
    /// Each record links to one record of another object; the link is set to null when that is destroyed.
    pub fn to_one(to: &str) -> Self {
        Self { to: to.to_owned(), cardinality: Cardinality::ManyToOne, inverse: None, on_destroy: OnDestroy::SetNull }
    }

    /// Many on both sides.
    pub fn to_many(to: &str) -> Self {
        Self { cardinality: Cardinality::ManyToMany, ..Self::to_one(to) }
    }

    /// Adds a field at the other end.
    pub fn inverse(mut self, name: &str, label: Labels) -> Self {
        self.inverse = Some((name.to_owned(), label));
        self
    }

    /// Sets what happens to this record when the other is destroyed.
    pub fn on_destroy(mut self, on_destroy: OnDestroy) -> Self {
        self.on_destroy = on_destroy;
        self
    }
}

/// The declaration of a rollup.
#[derive(Clone, Debug)]
pub struct RollupSpec {
    /// Name of a one-to-many field of the same object.
    pub relation: String,
    /// What is computed.
    pub function: RollupFunction,
    /// Name of a field of the related object; `None` for a count.
    pub field: Option<String>,
    /// Only related records that match.
    pub filter: Option<Filter>,
}

impl RollupSpec {
    /// A rollup over a relation; it counts records until a field is named.
    pub fn over(relation: &str, function: RollupFunction) -> Self {
        Self { relation: relation.to_owned(), function, field: None, filter: None }
    }

    /// Sets the field to aggregate.
    pub fn of(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Only related records that match.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }
}
