//! A session: one refresh token at a time, replaced at each use.

use sea_orm::entity::prelude::*;

use crate::ids::{SessionId, TenantId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    /// SHA-256 of the current refresh token.
    pub refresh_hash: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
    /// Microseconds UTC.
    pub used_at: i64,
    /// Ended by sign-out or by a reused token.
    pub revoked_at: Option<i64>,
    /// How long it lives without use, microseconds.
    pub life: i64,
    /// The address it was last used from.
    pub address: String,
    /// What the client calls itself (`User-Agent`).
    pub agent: String,
    /// A second factor was given, or the device was trusted.
    pub two_factors: bool,
    /// The organisation whose provider identified the person; the session is valid for no other.
    pub only_tenant: Option<TenantId>,
    /// The organisation of its last access token.
    pub last_tenant: Option<TenantId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
