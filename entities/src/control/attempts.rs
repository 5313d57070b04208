//! Failed attempts to sign in lately: by account, by address, by known device.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    /// Hash of the key that is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub failures: i64,
    /// Microseconds UTC.
    pub last_at: i64,
    /// Until when attempts are refused, microseconds UTC.
    pub locked_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
