//! Write transactions in commit order, without gaps.

use sea_orm::entity::prelude::*;

use crate::ids::{CommitId, RunId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "commits")]
pub struct Model {
    /// The number of the commit; grows by one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    #[sea_orm(unique)]
    pub id: CommitId,
    /// Microseconds UTC.
    pub at: i64,
    /// As `Actor::stored` writes it.
    pub actor: String,
    /// The endpoint it came through.
    pub origin: String,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The id of the request.
    pub request: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
