//! How often signing in failed lately: by account, by address, by known device.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    /// Hash of what is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub failures: i64,
    /// Microseconds UTC.
    pub last_at: i64,
    /// Until when no try is taken, microseconds UTC.
    pub locked_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
