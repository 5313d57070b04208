//! Work items to be done after a commit; they commit with the rows that ask for them.

use sea_orm::entity::prelude::*;

use crate::ids::WorkId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "work")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkId,
    pub queue: String,
    /// The job, sealed with the data key.
    pub payload: Vec<u8>,
    /// Not before, microseconds UTC.
    pub due: i64,
    /// Only one waiting item of a queue can have this key.
    pub key: Option<String>,
    /// Somebody has begun to work on it, so its key is free for the next item.
    pub taken: bool,
    /// Raised whenever somebody takes it: whoever holds an older one may not commit.
    pub epoch: i64,
    /// Failures since it last made progress.
    pub attempts: i32,
    /// Code and message of the last failure.
    pub error: Option<String>,
    /// When it was given up, microseconds UTC.
    pub failed_at: Option<i64>,
    /// Somebody asked for another try after it was given up.
    pub by_hand: bool,
    /// What it is about, without personal data.
    pub subject: String,
    /// When it comes again, if it recurs.
    pub cron: Option<String>,
    /// The time zone of `cron`.
    pub time_zone: Option<String>,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
