//! Work to be done after commit, committed with the rows that ask for it.

use sea_orm::entity::prelude::*;

use crate::ids::WorkId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "work")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkId,
    pub queue: String,
    /// Sealed under the data key.
    pub payload: Vec<u8>,
    /// Not before, microseconds UTC.
    pub due: i64,
    /// At most one waiting item of a queue has it.
    pub key: Option<String>,
    pub attempts: i32,
    /// The last error, told by its code.
    pub error: Option<String>,
    /// Given up.
    pub failed_at: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
