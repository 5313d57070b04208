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
    /// Title for people.
    pub label: String,
    /// What it allows: `all`, or JSON that names it.
    pub access: String,
    /// One of those that every organisation is born with.
    pub seeded: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
