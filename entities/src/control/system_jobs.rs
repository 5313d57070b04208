//! Work of the installation itself, which belongs to no tenant: emails to people, above all.

use sea_orm::entity::prelude::*;

use crate::ids::SystemJobId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "system_jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SystemJobId,
    /// Which handler does it.
    pub queue: String,
    /// What the handler needs to know, sealed under the master key.
    pub payload: Vec<u8>,
    /// Not before this instant, microseconds UTC.
    pub due: i64,
    /// Until when a process does it, microseconds UTC.
    pub leased_until: i64,
    /// How often it was tried.
    pub attempts: i32,
    /// Code of the last failure.
    pub error: Option<String>,
    /// When it was given up, microseconds UTC.
    pub failed_at: Option<i64>,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
