//! People and organisations whose sessions or state have changed lately, numbered by the counter `revocations`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revocations")]
pub struct Model {
    /// The counter when it was written; grows by one in commit order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: i64,
    /// The id of a person or of a tenant. It outlives the tenant for some minutes.
    pub subject: Uuid,
    /// Microseconds UTC.
    pub at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
