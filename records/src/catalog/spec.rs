//! What objects and fields are declared with: by modules in code, and by admins through the API. Plain data, by name.

use std::collections::BTreeMap;

use super::{Cardinality, Encryption, FieldKind, Labels, OnDestroy, Personal, RollupFunction, Validation};
use crate::filter::Filter;

/// Titles in English, French and Spanish.
pub fn labels(en: &str, fr: &str, es: &str) -> Labels {
    [("en", en), ("fr", fr), ("es", es)].into_iter().map(|(code, text)| (code.to_owned(), text.to_owned())).collect()
}

/// An object to be.
#[derive(Clone, Debug)]
pub struct ObjectSpec {
    /// API name in the singular.
    pub name: String,
    /// API name in the plural.
    pub plural: String,
    /// Title by language.
    pub label: Labels,
    /// Title of many by language.
    pub plural_label: Labels,
    /// A table that exists already, which the engine only reads (`members`).
    pub table: Option<String>,
    /// Records have an owner, a member.
    pub owned: bool,
    /// Records are listed on their own, not only with those that they belong to: their dates and names have indexes.
    pub listed: bool,
    /// Groups of fields, in their order.
    pub sections: Vec<SectionSpec>,
    /// Fields beyond the system's; one named `name` or `externalId` refines that system field instead.
    pub fields: Vec<FieldSpec>,
}

impl ObjectSpec {
    /// An object with nothing but its system fields.
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
        }
    }

    /// Title of one and of many.
    pub fn labelled(mut self, one: Labels, many: Labels) -> Self {
        (self.label, self.plural_label) = (one, many);
        self
    }

    /// The object shows a system table, whose fields name their columns; the record engine does not write it.
    pub fn system_table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    /// Its records have an owner.
    pub fn owned(mut self) -> Self {
        self.owned = true;
        self
    }

    /// Its records are looked for through those that they belong to.
    pub fn part(mut self) -> Self {
        self.listed = false;
        self
    }

    /// Adds a section after those it has.
    pub fn section(mut self, name: &str, label: Labels) -> Self {
        self.sections.push(SectionSpec { name: name.to_owned(), label, position: None });
        self
    }

    /// Adds a field after those it has.
    pub fn field(mut self, field: FieldSpec) -> Self {
        self.fields.push(field);
        self
    }
}

/// A section to be.
#[derive(Clone, Debug)]
pub struct SectionSpec {
    /// API name.
    pub name: String,
    /// Title by language.
    pub label: Labels,
    /// Order among the object's sections; last where it is not said.
    pub position: Option<i32>,
}

/// A field to be.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    /// API name.
    pub name: String,
    /// What it holds.
    pub kind: KindSpec,
    /// Title by language.
    pub label: Labels,
    /// Explanation by language.
    pub help: Labels,
    /// Name of its section.
    pub section: Option<String>,
    /// Order in its section; last where it is not said.
    pub position: Option<i32>,
    /// A write must leave it with a value.
    pub required: bool,
    /// No two records that are not archived may share its value.
    pub unique: bool,
    /// Value of new records that bring none.
    pub default: Option<serde_json::Value>,
    /// Limits on the value.
    pub validation: Validation,
    /// Search looks at it.
    pub searchable: bool,
    /// Changes are kept in the history.
    pub audited: bool,
    /// Why the law cares about it.
    pub personal: Option<Personal>,
    /// Whether its values are encrypted.
    pub encryption: Encryption,
    /// False where only the engine or a rule writes it.
    pub writable: bool,
    /// Filters and order on it have an index (an admin's fields always do).
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

    /// Title.
    pub fn label(mut self, label: Labels) -> Self {
        self.label = label;
        self
    }

    /// Explanation.
    pub fn help(mut self, help: Labels) -> Self {
        self.help = help;
        self
    }

    /// Group on a form.
    pub fn section(mut self, name: &str) -> Self {
        self.section = Some(name.to_owned());
        self
    }

    /// A write must leave it with a value.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// No two records that are not archived may share its value.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Value of new records that bring none.
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Limits on the value.
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// Search looks at it.
    pub fn searchable(mut self) -> Self {
        self.searchable = true;
        self
    }

    /// Changes are not kept in the history.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Personal data of this class.
    pub fn personal(mut self, class: Personal) -> Self {
        self.personal = Some(class);
        self
    }

    /// Its values are encrypted.
    pub fn encrypted(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Only the engine or a rule writes it.
    pub fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// Filters and order on it have an index.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// Its column in a system table.
    pub fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

/// What a field is to hold; other objects and fields by name.
#[derive(Clone, Debug)]
pub enum KindSpec {
    /// A value of its own (neither relation nor rollup).
    Value(FieldKind),
    /// A link.
    Relation(RelationSpec),
    /// A kept total.
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

/// A link to be, seen from the object that declares it.
#[derive(Clone, Debug)]
pub struct RelationSpec {
    /// Name of the object at the other end; the same object for a tree.
    pub to: String,
    /// Many-to-one or many-to-many. A one-to-many comes as the inverse of a many-to-one.
    pub cardinality: Cardinality,
    /// Name and title of the field that appears at the other end.
    pub inverse: Option<(String, Labels)>,
    /// What destroying the other end does to this one.
    pub on_destroy: OnDestroy,
}

impl RelationSpec {
    /// Each record names one record of another object; the link is emptied when that is destroyed.
    pub fn to_one(to: &str) -> Self {
        Self { to: to.to_owned(), cardinality: Cardinality::ManyToOne, inverse: None, on_destroy: OnDestroy::SetNull }
    }

    /// Many on both sides.
    pub fn to_many(to: &str) -> Self {
        Self { cardinality: Cardinality::ManyToMany, ..Self::to_one(to) }
    }

    /// The field that appears at the other end.
    pub fn inverse(mut self, name: &str, label: Labels) -> Self {
        self.inverse = Some((name.to_owned(), label));
        self
    }

    /// What destroying the other end does to this one.
    pub fn on_destroy(mut self, on_destroy: OnDestroy) -> Self {
        self.on_destroy = on_destroy;
        self
    }
}

/// A kept total to be.
#[derive(Clone, Debug)]
pub struct RollupSpec {
    /// Name of a one-to-many field of the same object.
    pub relation: String,
    /// What is computed.
    pub function: RollupFunction,
    /// Name of a field of the related object; none for a count.
    pub field: Option<String>,
    /// Only related records that match.
    pub filter: Option<Filter>,
}

impl RollupSpec {
    /// A total over a relation; the count of its records until a field is named.
    pub fn over(relation: &str, function: RollupFunction) -> Self {
        Self { relation: relation.to_owned(), function, field: None, filter: None }
    }

    /// The field that is totalled.
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
