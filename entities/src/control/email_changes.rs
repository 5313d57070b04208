//! A person's new email address, until the new and the old one have confirmed.

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "email_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// As typed.
    pub email: String,
    /// In the form used for comparison.
    pub email_key: String,
    /// SHA-256 of the token sent to the new address.
    pub new_hash: Vec<u8>,
    /// SHA-256 of the token sent to the old address.
    pub old_hash: Vec<u8>,
    pub new_agreed: bool,
    pub old_agreed: bool,
    /// Microseconds UTC.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
