//! Links to set a new password, requested by address, whether or not an account has it.

use sea_orm::entity::prelude::*;

use crate::ids::RecoveryId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "recoveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecoveryId,
    /// In the form used for comparison.
    pub email_key: String,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
