//! A sign-in with a correct password that waits for the second factor.

use sea_orm::entity::prelude::*;

use crate::ids::{ChallengeId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "challenges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChallengeId,
    pub user_id: UserId,
    /// SHA-256 of its token.
    pub token_hash: Vec<u8>,
    /// The requested slug.
    pub organisation: Option<String>,
    pub remember: bool,
    /// Number of wrong codes.
    pub tries: i32,
    /// Microseconds UTC.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
