//! Kinds of records.

use sea_orm::entity::prelude::*;

use crate::ids::ObjectId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "objects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ObjectId,
    /// API name in the singular.
    pub name: String,
    /// API name in the plural.
    pub plural: String,
    /// Label by language, JSON.
    pub label: String,
    /// Plural label by language, JSON.
    pub plural_label: String,
    /// Physical table.
    pub table_name: String,
    /// `standard` or `custom`.
    pub origin: String,
    /// False if the record engine only reads it.
    pub writable: bool,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Deleted, to be dropped later; microseconds UTC.
    pub retired_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
