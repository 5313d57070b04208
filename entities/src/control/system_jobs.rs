//! Jobs of the installation itself, which belong to no tenant: mainly emails to people.

use sea_orm::entity::prelude::*;

use crate::ids::SystemJobId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "system_jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SystemJobId,
    /// The queue, which decides the handler.
    pub queue: String,
    /// The input of the handler, sealed with the master key.
    pub payload: Vec<u8>,
    /// Not before this instant, microseconds UTC.
    pub due: i64,
    /// Until when a process has leased it, microseconds UTC.
    pub leased_until: i64,
    /// Number of attempts.
    pub attempts: i32,
    /// Code and message of the last failure.
    pub error: Option<String>,
    /// When it was given up, microseconds UTC.
    pub failed_at: Option<i64>,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
