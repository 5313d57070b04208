//! Fields of an object that are unique together.

use sea_orm::entity::prelude::*;

use crate::ids::{ConstraintId, ObjectId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "constraints")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConstraintId,
    pub object_id: ObjectId,
    /// Ids of the fields in order, JSON.
    pub fields: String,
    /// Name of the index that keeps it.
    pub index_name: String,
    pub origin: String,
    pub state: String,
    pub failure: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
