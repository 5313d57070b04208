//! Security events of people who belong to no organisation.

use sea_orm::entity::prelude::*;

use crate::ids::{EventId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "security_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// Repetitions of an event within a minute have the same key and are counted in one row; it is the id where every
    /// event has its own row.
    #[sea_orm(unique)]
    pub dedupe_key: String,
    /// The first time, microseconds UTC.
    pub at: i64,
    /// The last time, microseconds UTC.
    pub last_at: i64,
    pub times: i64,
    pub kind: String,
    pub user_id: Option<UserId>,
    pub address: Option<String>,
    pub agent: Option<String>,
    /// JSON.
    pub detail: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
