//! Sign-ups whose link has not been used yet: they have no account.

use sea_orm::entity::prelude::*;

use crate::ids::SignUpId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_ups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SignUpId,
    /// In the form used for comparison.
    pub email_key: String,
    /// The person and organisation to create, sealed with the master key.
    pub sealed: Vec<u8>,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Since when the link is being used, microseconds UTC; 0 if it is not.
    pub claimed_at: i64,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
    /// Number of wrong passwords.
    pub tries: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
