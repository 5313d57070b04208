//! How each type of field appears in the API.

use records::catalog::{Cardinality, FieldKind};

/// How a type of field appears in the API; relations are described by [`Link`].
pub(super) struct Face {
    /// Output type.
    pub output: &'static str,
    /// Input type.
    pub input: &'static str,
    /// Filter type.
    pub filter: Option<&'static str>,
    /// Whether lists can be ordered by it.
    pub sorts: bool,
    /// Whether records can be grouped by it.
    pub groups: bool,
}

impl Face {
    const fn new(output: &'static str, filter: Option<&'static str>) -> Self {
        Self { output, input: output, filter, sorts: true, groups: true }
    }

    /// The same, but without ordering and grouping.
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

/// The API's view of a type; `None` for relations.
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
        FieldKind::Link { .. } => Face { input: "LinkInput", ..Face::new("Link", Some("LinkFilter")).flat() },
        FieldKind::Json => Face::new("JSON", None).flat(),
        FieldKind::Rollup(rollup) => return face(&rollup.result).map(Face::ungrouped),
        FieldKind::Relation(_) => return None,
    })
}

/// How a relation appears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// One record; the input is an id.
    One,
    /// Many records, linked from the other side; not an input.
    Many,
    /// Many records, by a link table; the input is a list of ids.
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
