//! How far each consumer of the feed has come.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "consumers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The commit that it takes next.
    pub seq: i64,
    /// The change within that commit.
    pub n: i64,
    /// It is reading the records themselves first, as they are.
    pub rebuilding: bool,
    /// Microseconds UTC.
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
