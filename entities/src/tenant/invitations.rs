//! An open invitation to become a member.

use sea_orm::entity::prelude::*;

use crate::ids::{InvitationId, RoleId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenant", table_name = "invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// As typed.
    pub email: String,
    /// In the form used for comparison, unique.
    pub email_k: String,
    /// The role that they will have.
    pub role_id: RoleId,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Who invited them.
    pub created_by: String,
    /// When the last email was queued, microseconds UTC.
    pub sent_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
