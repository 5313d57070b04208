//! Where the files of all organisations are stored: one row. A node that is configured for another place does not start.

use sea_orm::entity::prelude::*;

/// The id of the only row.
pub const ONLY: i16 = 1;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "file_stores")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// The address of a bucket, or `folder` and its id.
    pub place: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
