//! A person's membership in the organisation. It is also the object `member`, so it has the columns of a record.

use sea_orm::entity::prelude::*;

use crate::ids::{MemberId, RoleId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberId,
    pub version: i64,
    pub name: String,
    pub name_k: String,
    pub external_id: Option<String>,
    pub created_at: i64,
    pub created_by: String,
    pub updated_at: i64,
    pub updated_by: String,
    pub archived_at: Option<i64>,
    pub user_id: UserId,
    pub role_id: RoleId,
    pub email: String,
    pub email_k: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
