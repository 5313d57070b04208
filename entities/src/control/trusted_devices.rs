//! A device that is not asked for a second factor for a while.

use sea_orm::entity::prelude::*;

use crate::ids::{TrustedDeviceId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trusted_devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TrustedDeviceId,
    pub user_id: UserId,
    /// SHA-256 of the random name in the device's token.
    pub device_hash: Vec<u8>,
    /// What the client calls itself.
    pub agent: String,
    pub address: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub used_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
