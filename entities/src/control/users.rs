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
    /// As compared, unique.
    pub email_key: String,
    pub first_name: String,
    pub last_name: String,
    /// Argon2id, PHC string; empty for those who have none.
    pub password_hash: String,
    /// `en`, `fr` or `es`.
    pub language: String,
    /// IANA name.
    pub time_zone: String,
    /// Names of the notices that they do not want, separated by spaces.
    pub muted: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// When the password was last set, microseconds UTC; 0 where that was not noted yet.
    pub password_changed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
