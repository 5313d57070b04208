//! How each kind of field shows in the API.

use records::catalog::{Cardinality, FieldKind};

/// The API's view of a kind of field; relations are told apart by [`Link`].
pub(super) struct Face {
    /// Type answered.
    pub output: &'static str,
    /// Type taken by inputs.
    pub input: &'static str,
    /// Type of its conditions.
    pub filter: Option<&'static str>,
    /// Whether lists can be in its order.
    pub sorts: bool,
    /// Whether records can be put in groups by it.
    pub groups: bool,
}

impl Face {
    const fn new(output: &'static str, filter: Option<&'static str>) -> Self {
        Self { output, input: output, filter, sorts: true, groups: true }
    }

    /// The same, but lists are neither ordered nor grouped by it.
    pub(super) const fn flat(mut self) -> Self {
        self.sorts = false;
        self.groups = false;
        self
    }

    const fn ungrouped(mut self) -> Self {
        self.groups = false;
        self
    }
}

/// The face of a kind; none for relations.
pub(super) fn face(kind: &FieldKind) -> Option<Face> {
    Some(match kind {
        FieldKind::Id => Face::new("ID", Some("IdFilter")).ungrouped(),
        FieldKind::Actor => Face::new("Actor", Some("ActorFilter")).flat(),
        FieldKind::Text | FieldKind::Email | FieldKind::Phone | FieldKind::Url => {
            Face::new("String", Some("StringFilter"))
        }
        FieldKind::AutoNumber { .. } => Face::new("String", Some("StringFilter")).ungrouped(),
        FieldKind::LongText => Face::new("String", Some("TextFilter")).flat(),
        FieldKind::Integer => Face::new("Int64", Some("Int64Filter")),
        FieldKind::Decimal { .. } | FieldKind::Percent => Face::new("Decimal", Some("DecimalFilter")),
        FieldKind::Money => {
            Face { output: "Money", input: "MoneyInput", filter: Some("DecimalFilter"), sorts: true, groups: false }
        }
        FieldKind::Rating { .. } => Face::new("Int", Some("IntFilter")),
        FieldKind::Boolean => Face::new("Boolean", Some("BooleanFilter")),
        FieldKind::Date => Face::new("Date", Some("DateFilter")),
        FieldKind::DateTime => Face::new("DateTime", Some("DateTimeFilter")),
        FieldKind::Duration => Face::new("Duration", Some("DurationFilter")),
        FieldKind::Select { .. } => Face::new("String", Some("OptionFilter")),
        FieldKind::MultiSelect { .. } | FieldKind::Tags => Face::new("[String!]", Some("ListFilter")).flat(),
        FieldKind::Json => Face::new("JSON", None).flat(),
        FieldKind::Rollup(rollup) => return face(&rollup.result).map(Face::ungrouped),
        FieldKind::Relation(_) => return None,
    })
}

/// How a relation shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// One record; written as an id.
    One,
    /// Many, kept at the other side; not written here.
    Many,
    /// Many by a table of links; written as a list of ids.
    Mutual,
}

impl From<Cardinality> for Link {
    fn from(cardinality: Cardinality) -> Self {
        match cardinality {
            Cardinality::ManyToOne => Link::One,
            Cardinality::OneToMany => Link::Many,
            Cardinality::ManyToMany => Link::Mutual,
        }
    }
}
