//! Properties of objects.

use sea_orm::entity::prelude::*;

use crate::ids::{FieldId, ObjectId, SectionId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "fields")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FieldId,
    pub object_id: ObjectId,
    /// API name.
    pub name: String,
    /// Physical column; empty where there is none.
    pub column_name: String,
    /// Its type, JSON.
    pub kind: String,
    /// Label by language, JSON.
    pub label: String,
    /// Help text by language, JSON.
    pub help: String,
    pub section_id: Option<SectionId>,
    pub position: i32,
    /// `system`, `standard` or `custom`.
    pub origin: String,
    pub required: bool,
    pub is_unique: bool,
    /// JSON.
    pub default_value: Option<String>,
    /// JSON.
    pub validation: String,
    pub searchable: bool,
    pub audited: bool,
    /// Class of personal data.
    pub personal: Option<String>,
    /// State of the field.
    pub state: String,
    /// Why building failed.
    pub failure: Option<String>,
    pub writable: bool,
    /// Has an index of its own once it is built.
    pub indexed: bool,
    /// What is left to build, JSON; null once it is active.
    pub build: Option<String>,
    /// How values are encrypted; null for plain ones.
    pub encryption: Option<String>,
    /// Its earlier types, JSON.
    pub past: Option<String>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Deleted, to be dropped later; microseconds UTC.
    pub retired_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
