//! From a document to a plan: fields are collected and merged according to the specification, once per document and
//! shape of the API. Variables are bound when it runs, except those of `@skip` and `@include`: there is one plan for
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

/// What an operation asks for, in the order of the answer.
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
    /// The response key.
    pub key: Name,
    /// Its kind.
    pub source: Source,
    /// As written, with variables.
    pub arguments: Vec<(Positioned<async_graphql_value::Name>, Positioned<Value>)>,
    /// All its positions in the document.
    pub places: Vec<Pos>,
    /// Its selection; `None` for leaves.
    pub selection: Option<Selection>,
}

/// The kind of a key in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `__typename`.
    Typename,
    /// `__schema` or `__type`.
    Introspection,
    /// The field with this index in the selection's type.
    Field(usize),
}

impl Plan {
    /// Whether the library answers a part.
    pub fn introspects(&self) -> bool {
        self.root.fields.iter().any(|field| field.source == Source::Introspection)
    }
}
