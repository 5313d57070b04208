//! A person's second factor: the secret that they share with us.

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Person and secret, sealed with the master key.
    pub sealed: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// When its first code was correct; from then on it is required at sign-in.
    pub confirmed_at: Option<i64>,
    /// The step of the last accepted code (RFC 6238); no code of this step or an earlier one is accepted again.
    pub last_step: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
