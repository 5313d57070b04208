//! An API key; only a hash of it is stored.

use sea_orm::entity::prelude::*;

use crate::ids::{ApiKeyId, RoleId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    pub name: String,
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
    /// The role, which limits it.
    pub role_id: RoleId,
    pub created_at: i64,
    pub created_by: String,
    pub revoked_at: Option<i64>,
    /// The scopes that narrow its role, as JSON.
    pub scopes: Option<String>,
    /// Addresses and networks it may be used from, separated by spaces; null allows all.
    pub addresses: Option<String>,
    /// Its own budget of GraphQL points.
    pub points_per_second: Option<i64>,
    pub expires_at: Option<i64>,
    /// Last use, to the minute.
    pub used_at: Option<i64>,
    pub used_from: Option<String>,
    pub renewed_at: Option<i64>,
    /// SHA-256 of the key before the last renewal, which is still valid until `old_until`.
    pub old_hash: Option<Vec<u8>>,
    pub old_until: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
