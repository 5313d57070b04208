//! A person who signs in, across organisations.

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// As typed.
    pub email: String,
    /// In the form used for comparison, unique.
    pub email_key: String,
    pub first_name: String,
    pub last_name: String,
    /// Argon2id, PHC string; empty for a person without password.
    pub password_hash: String,
    /// `en`, `fr` or `es`.
    pub language: String,
    /// IANA name.
    pub time_zone: String,
    /// Names of the notices that are turned off, separated by spaces.
    pub muted: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// When the password was last set, microseconds UTC; 0 if unknown.
    pub password_changed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
