//! How many emails were sent lately to an address that somebody typed, or on behalf of an organisation.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "email_counts")]
pub struct Model {
    /// Hash of the key that is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub emails: i64,
    /// When the first of them was counted, microseconds UTC.
    pub began_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
