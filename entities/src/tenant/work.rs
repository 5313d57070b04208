//! Work items to be done after a commit; they commit with the rows that ask for them.

use sea_orm::entity::prelude::*;

use crate::ids::WorkId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "work")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkId,
    pub queue: String,
    /// Sealed with the data key.
    pub payload: Vec<u8>,
    /// Not before, microseconds UTC.
    pub due: i64,
    /// Only one waiting item of a queue can have this key.
    pub key: Option<String>,
    pub attempts: i32,
    /// Error code of the last failure.
    pub error: Option<String>,
    /// When it was given up.
    pub failed_at: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
