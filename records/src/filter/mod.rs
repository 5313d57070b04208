//! One filter language for GraphQL, segments, conditions and permissions; stored by field id, so renames do not break it.

mod compare;
mod compile;
mod counted;
mod evaluate;
mod linked;
mod operator;
mod parse;
mod rounding;
mod show;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use entities::ids::{FieldId, ObjectId};
use serde::{Deserialize, Serialize};

use crate::values::Value;

pub use compile::{MAX_DEPTH, MAX_TERMS, Scope, check, predicate};
pub use counted::CountTest;
pub use evaluate::holds;
pub use operator::{Operator, operators};
pub use parse::parse;
pub use show::show;

/// A condition on a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// All hold (an empty list holds always).
    And(Vec<Filter>),
    /// At least one holds (an empty list never does).
    Or(Vec<Filter>),
    /// Does not hold. A comparison with null is false, and its negation is true.
    Not(Box<Filter>),
    /// A field compared.
    Field { field: FieldId, test: Test },
    /// Related records compared.
    Related { field: FieldId, quantifier: Quantifier, filter: Box<Filter> },
    /// The number of related records that match; all comparisons of it hold.
    Counted { field: FieldId, count: Vec<CountTest>, filter: Box<Filter> },
}

impl Filter {
    /// Whether it looks at one of the wanted fields, or beyond the record at related ones.
    pub fn looks_at(&self, wanted: &dyn Fn(FieldId) -> bool) -> bool {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|part| part.looks_at(wanted)),
            Filter::Not(inner) => inner.looks_at(wanted),
            Filter::Field { field, .. } => wanted(*field),
            Filter::Related { .. } | Filter::Counted { .. } => true,
        }
    }

    /// Whether it has no condition at all, so that every record matches.
    pub fn is_empty(&self) -> bool {
        matches!(self, Filter::And(parts) if parts.iter().all(Filter::is_empty))
    }

    /// Calls with every field that it looks at, also those of related records.
    pub fn visit(&self, see: &mut impl FnMut(FieldId)) {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Filter::Not(part) => part.visit(see),
            Filter::Field { field, .. } => see(*field),
            Filter::Related { field, filter, .. } | Filter::Counted { field, filter, .. } => {
                see(*field);
                filter.visit(see);
            }
        }
    }

    /// Whether it looks at one of these fields.
    pub fn mentions(&self, fields: &HashSet<FieldId>) -> bool {
        let mut found = false;
        self.visit(&mut |field| found |= fields.contains(&field));
        found
    }
}

/// How many of the related records must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantifier {
    /// The one record of a to-one relation exists and matches.
    One,
    /// At least one.
    Some,
    /// None.
    None,
    /// All (also when there is none).
    Every,
}

/// A comparison of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Equal; texts by their fold, emails and phones by their key. `Eq(Null)` is refused in favour of `IsNull`.
    Eq(Value),
    /// Not equal; records without value match.
    Ne(Value),
    /// One of.
    In(Vec<Value>),
    /// None of; records without value match.
    NotIn(Vec<Value>),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Lte(Value),
    /// Greater.
    Gt(Value),
    /// Greater or equal.
    Gte(Value),
    /// Has no value (or has one).
    IsNull(bool),
    /// Folded text within.
    Contains(String),
    /// Folded text at the start.
    StartsWith(String),
    /// Folded text at the end.
    EndsWith(String),
    /// Shares a word.
    HasAny(Vec<String>),
    /// Has all words.
    HasAll(Vec<String>),
    /// Has none of the words; records without words match.
    HasNone(Vec<String>),
    /// A link that leads to a record of one of these objects.
    Target(Vec<ObjectId>),
    /// A period relative to now, in the tenant's time zone.
    Period(Period),
}

/// A span of time relative to now. Days begin at local midnight, weeks on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Today,
    Yesterday,
    Tomorrow,
    ThisWeek,
    LastWeek,
    NextWeek,
    ThisMonth,
    LastMonth,
    NextMonth,
    ThisQuarter,
    LastQuarter,
    ThisYear,
    LastYear,
    /// Before now.
    Past,
    /// After now.
    Future,
    /// The last n days up to now, today included.
    LastDays(u16),
    /// The next n days, today included.
    NextDays(u16),
    /// Earlier than n days before today.
    OlderThanDays(u16),
    /// Later than n days after today.
    AfterDays(u16),
}
