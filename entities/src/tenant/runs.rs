//! Runs: series of writes that any process can continue and that can be undone.

use sea_orm::entity::prelude::*;

use crate::ids::{ObjectId, RunId, WorkId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunId,
    pub kind: String,
    pub status: String,
    pub object_id: Option<ObjectId>,
    /// JSON: what to do; never changes.
    pub params: String,
    /// JSON: the progress; commits with the rows.
    pub progress: String,
    pub matched: i64,
    pub changed: i64,
    pub failed: i64,
    /// Why it failed.
    pub error: Option<String>,
    pub created_by: String,
    /// Microseconds UTC.
    pub created_at: i64,
    pub updated_at: i64,
    /// Raised by every claim: a holder of an older claim must stop.
    pub epoch: i64,
    /// Until when its holder may be silent.
    pub lease_until: Option<i64>,
    /// The job that holds it, if a worker does: whoever takes the job takes the run.
    pub held_by: Option<WorkId>,
    /// The request that started it.
    pub request: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
