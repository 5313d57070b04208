//! Counters that only grow: physical names of the catalog, auto-numbers of fields.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "counters")]
pub struct Model {
    /// `catalog`, or the id of an auto-number field.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The last number used.
    pub value: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
