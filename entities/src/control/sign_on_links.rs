//! Which person a subject of an organisation's provider is.

use sea_orm::entity::prelude::*;

use crate::ids::{TenantId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_on_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The issuer of the subject; the same subject of another issuer is somebody else. Empty in rows older than this
    /// column.
    pub issuer: String,
    pub user_id: UserId,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
