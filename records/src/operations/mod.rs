//! Operations that are no plain access to records, as entries of a table: a noun's folder declares them in GraphQL's
//! own language beside their handlers, and the endpoints serve whatever the table holds. Nothing here knows of an
//! endpoint's libraries.
//!
//! A handler answers what serialises into the type that its declaration names. Where that type, or one inside of it,
//! is an object of the catalog, the handler answers the record's id (or a [`RecordPage`]): the planner reads the
//! columns that are asked for, as the caller may see them, in one batch.

mod entry;
mod field;
mod given;

pub use entry::{Audience, Entry, Method, Permit, Route};
pub use field::{AddedField, Batch, Selected};
pub use given::{Given, NoArgs};

use entities::ids::RecordId;
use serde::{Deserialize, Serialize};

/// The operations of one noun.
pub struct Module {
    /// `extend type Query`, `Mutation` or an object's type, and the types that they speak of.
    pub declared: &'static str,
    /// Who answers the fields of `Query` and `Mutation`, by name.
    pub entries: Vec<Entry>,
    /// Who answers the fields that are added to types of records.
    pub fields: Vec<AddedField>,
}

/// A page of records as handlers answer it; its type is the object's connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordPage {
    /// In order. Records that the caller may not see are left out of the answer.
    pub ids: Vec<RecordId>,
    /// Where each of them stands in the list, for `after` and `before`; empty where the list has no cursors.
    pub cursors: Vec<String>,
    /// More records follow.
    pub has_next: bool,
    /// Records come before.
    pub has_previous: bool,
    /// All records of the list, where that is known.
    pub total: Option<i64>,
}
