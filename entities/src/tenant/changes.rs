//! What a commit did to each record: history, audit trail and undo journal in one table.

use sea_orm::entity::prelude::*;

use crate::ids::{CommitId, ObjectId, RecordId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub commit_id: CommitId,
    /// Order within the commit, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    pub object_id: ObjectId,
    /// None where rollups of a whole object were computed anew.
    pub record_id: Option<RecordId>,
    /// `CREATED`, `UPDATED`, `ARCHIVED`, `RESTORED`, `DESTROYED`, `ROLLUP`, `REBUILT`.
    pub kind: String,
    /// JSON of `{"<field id>": [old, new]}`; null if the row itself holds the values, or they were erased.
    pub diff: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
