//! Which comparisons a kind of field takes.

use crate::{
    catalog::{Cardinality, Encryption, Field, FieldKind},
    columns::kind_of_values,
};

use super::Test;

/// The name of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Eq,
    Ne,
    In,
    NotIn,
    Lt,
    Lte,
    Gt,
    Gte,
    IsNull,
    Contains,
    StartsWith,
    EndsWith,
    HasAny,
    HasAll,
    HasNone,
    /// The object that a link leads to.
    Object,
    /// A period relative to now; the API has a key for each.
    Period,
}

impl Operator {
    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::In => "in",
            Operator::NotIn => "notIn",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::IsNull => "isNull",
            Operator::Contains => "contains",
            Operator::StartsWith => "startsWith",
            Operator::EndsWith => "endsWith",
            Operator::HasAny => "hasAny",
            Operator::HasAll => "hasAll",
            Operator::HasNone => "hasNone",
            Operator::Object => "object",
            Operator::Period => "period",
        }
    }

    /// The comparison with this name in the API.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|operator| operator.name() == name)
    }

    /// The comparison that a test makes.
    pub fn of(test: &Test) -> Self {
        match test {
            Test::Eq(_) => Operator::Eq,
            Test::Ne(_) => Operator::Ne,
            Test::In(_) => Operator::In,
            Test::NotIn(_) => Operator::NotIn,
            Test::Lt(_) => Operator::Lt,
            Test::Lte(_) => Operator::Lte,
            Test::Gt(_) => Operator::Gt,
            Test::Gte(_) => Operator::Gte,
            Test::IsNull(_) => Operator::IsNull,
            Test::Contains(_) => Operator::Contains,
            Test::StartsWith(_) => Operator::StartsWith,
            Test::EndsWith(_) => Operator::EndsWith,
            Test::HasAny(_) => Operator::HasAny,
            Test::HasAll(_) => Operator::HasAll,
            Test::HasNone(_) => Operator::HasNone,
            Test::Target(_) => Operator::Object,
            Test::Period(_) => Operator::Period,
        }
    }
}

const ALL: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::In,
    Operator::NotIn,
    Operator::Lt,
    Operator::Lte,
    Operator::Gt,
    Operator::Gte,
    Operator::IsNull,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::HasAny,
    Operator::HasAll,
    Operator::HasNone,
    Operator::Object,
    Operator::Period,
];

const PRESENCE: &[Operator] = &[Operator::IsNull];

const IDENTITY: &[Operator] = &[Operator::Eq, Operator::Ne, Operator::In, Operator::NotIn, Operator::IsNull];

const ORDERED: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::In,
    Operator::NotIn,
    Operator::Lt,
    Operator::Lte,
    Operator::Gt,
    Operator::Gte,
    Operator::IsNull,
];

const TIMED: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::In,
    Operator::NotIn,
    Operator::Lt,
    Operator::Lte,
    Operator::Gt,
    Operator::Gte,
    Operator::IsNull,
    Operator::Period,
];

const TEXTUAL: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::In,
    Operator::NotIn,
    Operator::Lt,
    Operator::Lte,
    Operator::Gt,
    Operator::Gte,
    Operator::IsNull,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
];

const LONG: &[Operator] = &[Operator::IsNull, Operator::Contains, Operator::StartsWith, Operator::EndsWith];
const WORDS: &[Operator] = &[Operator::IsNull, Operator::HasAny, Operator::HasAll, Operator::HasNone];
const LINKED: &[Operator] = &[Operator::Eq, Operator::In, Operator::IsNull, Operator::Object];
const BOOLEAN: &[Operator] = &[Operator::Eq, Operator::Ne, Operator::IsNull];

/// The comparisons that a field takes. None for JSON, and for to-many relations, which take a quantifier; of encrypted
/// fields, whether they hold something, and equality where they have hashes for it.
pub fn operators(field: &Field) -> &'static [Operator] {
    match field.encryption {
        Encryption::None => of_kind(&field.kind),
        Encryption::Sealed => PRESENCE,
        Encryption::SealedEquality => IDENTITY,
    }
}

fn of_kind(kind: &FieldKind) -> &'static [Operator] {
    match kind_of_values(kind) {
        FieldKind::Id | FieldKind::Actor | FieldKind::Select { .. } => IDENTITY,
        FieldKind::Relation(relation) if relation.cardinality == Cardinality::ManyToOne => IDENTITY,
        FieldKind::Relation(_) | FieldKind::Json | FieldKind::Rollup(_) => &[],
        FieldKind::Text | FieldKind::Email | FieldKind::Phone | FieldKind::Url | FieldKind::AutoNumber { .. } => {
            TEXTUAL
        }
        FieldKind::LongText => LONG,
        FieldKind::Integer
        | FieldKind::Decimal { .. }
        | FieldKind::Money
        | FieldKind::Percent
        | FieldKind::Rating { .. }
        | FieldKind::Duration => ORDERED,
        FieldKind::Date | FieldKind::DateTime => TIMED,
        FieldKind::Boolean => BOOLEAN,
        FieldKind::Link { .. } => LINKED,
        FieldKind::MultiSelect { .. } | FieldKind::Tags => WORDS,
    }
}
