//! From a document to what is to be done: fields collected and merged by the specification, once per document and
//! shape of API. Variables are bound when it runs, except those that switch fields on and off: a plan is made for
//! each of their combinations.

mod collect;
mod cost;
mod documents;
mod introspection;
mod prepare;
mod validate;

use async_graphql_parser::{Pos, Positioned, types::OperationType};
use async_graphql_value::Value;

pub use cost::{MAX_COST, cost, delivery};
pub use documents::Documents;
pub use introspection::introspect;
pub use prepare::Prepared;
pub use validate::ValidateOnly;

use super::schema::model::{Name, TypeId};

/// What an operation asks, in the order of the answer.
#[derive(Debug)]
pub struct Plan {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Fields of the root.
    pub root: Selection,
}

/// Merged fields of one object type.
#[derive(Debug)]
pub struct Selection {
    /// The type selected from.
    pub ty: TypeId,
    /// In the order of the answer.
    pub fields: Vec<Planned>,
}

/// One key of the answer.
#[derive(Debug)]
pub struct Planned {
    /// Response key.
    pub key: Name,
    /// What it is.
    pub source: Source,
    /// As written, with variables.
    pub arguments: Vec<(Positioned<async_graphql_value::Name>, Positioned<Value>)>,
    /// Everywhere it is written.
    pub places: Vec<Pos>,
    /// What is selected in it; nothing for leaves.
    pub selection: Option<Selection>,
}

/// What a key of the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `__typename`.
    Typename,
    /// `__schema` or `__type`.
    Introspection,
    /// The field at this place of the selection's type.
    Field(usize),
}

impl Plan {
    /// Whether part of the answer is the library's.
    pub fn introspects(&self) -> bool {
        self.root.fields.iter().any(|field| field.source == Source::Introspection)
    }
}
