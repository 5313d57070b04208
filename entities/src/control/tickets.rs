//! A tenant has work waiting in a queue. The ticket is armed before the work commits, and leased by the node that
//! drains it. Work that was given up keeps its ticket until it is forgotten.

use sea_orm::entity::prelude::*;

use crate::ids::TenantId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub queue: String,
    /// When the earliest work is due, microseconds UTC.
    pub due: i64,
    /// Until when a node has leased it.
    pub leased_until: i64,
    /// Raised by every lease: a node may change only the state that it has seen.
    pub epoch: i64,
    /// When it was last served, or armed; the longest waiting is served first.
    pub served_at: i64,
    /// Jobs to be done, as the last turn counted them.
    pub waiting: i64,
    /// Jobs that were given up, as the last turn counted them.
    pub failed: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
