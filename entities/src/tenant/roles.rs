//! What a member or key may do.

use sea_orm::entity::prelude::*;

use crate::ids::RoleId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "roles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleId,
    /// API name, unique.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// What it allows: `all`, or a list in JSON.
    pub access: String,
    /// One of the roles that every organisation has from the start.
    pub seeded: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
