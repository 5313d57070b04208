//! Labelled groups of fields.

use sea_orm::entity::prelude::*;

use crate::ids::{ObjectId, SectionId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "sections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SectionId,
    pub object_id: ObjectId,
    /// API name.
    pub name: String,
    /// Label by language, JSON.
    pub label: String,
    pub position: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
