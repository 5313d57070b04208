//! The addresses an API key was used from; the first use from each is recorded in the security log.

use sea_orm::entity::prelude::*;

use crate::ids::ApiKeyId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "api_key_addresses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: ApiKeyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: String,
    /// Microseconds UTC.
    pub first_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
