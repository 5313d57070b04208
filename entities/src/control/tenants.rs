//! An organisation's row in the registry.

use sea_orm::entity::prelude::*;

use crate::ids::TenantId;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TenantId,
    /// Name in URLs, unique.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// provisioning, active, suspended, migrating, moving, deleting.
    pub state: String,
    /// Name of the configured database that holds it.
    pub database: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
    /// ISO 639.
    pub language: String,
    /// The release that its space was last brought up to: migrations and standard objects.
    pub release: String,
    /// Microseconds UTC.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
