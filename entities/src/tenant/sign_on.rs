//! The provider through which an organisation's members sign in; one row at most.

use sea_orm::entity::prelude::*;

use crate::ids::RoleId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "sign_on")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// Sealed.
    pub secret: String,
    /// The role of people who sign in for the first time.
    pub role_id: RoleId,
    /// Members can sign in through the provider only.
    pub required: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
