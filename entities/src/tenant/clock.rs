//! The tenant's clock, a single row: the number of the last commit, the versions of the catalog and of what its members
//! and keys may do, and the data key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "clock")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub seq: i64,
    pub catalog_version: i64,
    /// Raised by every change of roles, members, teams and keys: whoever is connected is then checked again.
    pub access_version: i64,
    /// Which of the tenant's data keys seals. It changes together with the version.
    pub data_key: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
