//! A tenant's keys, wrapped by a master key. Without them the tenant's data cannot be read.

use sea_orm::entity::prelude::*;

use crate::ids::TenantId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// `data`, `file` or `equality`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    /// The number used in ciphertexts; 0 to 2^32 - 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Header, nonce and ciphertext.
    pub wrapped: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
