//! Those who signed up and have not used the link that was mailed to them: nobody exists yet.

use sea_orm::entity::prelude::*;

use crate::ids::SignUpId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_ups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SignUpId,
    /// As compared.
    pub email_key: String,
    /// Person and organisation to be made, sealed under the master key.
    pub sealed: Vec<u8>,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Since when the link is being followed, microseconds UTC; 0 when it is not.
    pub claimed_at: i64,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
    /// Passwords that were wrong.
    pub tries: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
