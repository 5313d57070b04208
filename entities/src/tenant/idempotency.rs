//! Answers of requests that had an idempotency key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "idempotency")]
pub struct Model {
    /// The actor who sent the key, as `Actor::stored` writes it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub actor: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Hash of the request.
    pub hash: String,
    /// The request that holds the key.
    pub request: String,
    /// Its answer; null while it runs.
    pub response: Option<String>,
    /// Whether the request has committed a write.
    pub written: bool,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
