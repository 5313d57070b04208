//! Reads the current access of an actor from the tenant's space.

use std::sync::Arc;

use entities::{
    ids::{MemberId, RoleId},
    tenant::{api_keys, members, roles, team_members},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Access, Granted, Grants};
use crate::{
    caller::Actor,
    db::TenantDb,
    error::{Error, Result},
};

/// A role that allows everything, as it is stored.
pub const ALL: &str = "all";

/// What an actor may do now. `None` if the actor is not, or is no longer, part of the organisation.
///
/// # Errors
/// If the database does not answer.
pub async fn of_actor(db: &TenantDb, actor: Actor) -> Result<Option<Access>> {
    match actor {
        Actor::System => Ok(Some(Access::All)),
        // roles do not apply to customers and plugins: their callers decide what they may do
        Actor::Customer(_) | Actor::Plugin(_) => Ok(None),
        Actor::Member(id) => match members::Entity::find_by_id(id).one(db).await? {
            Some(member) if member.archived_at.is_none() => of_role(db, member.role_id, Some(id)).await.map(Some),
            _ => Ok(None),
        },
        Actor::ApiKey(id) => match api_keys::Entity::find_by_id(id).one(db).await? {
            Some(key) if key.revoked_at.is_none() => crate::api_keys::access(db, &key).await.map(Some),
            _ => Ok(None),
        },
    }
}

/// The role of an actor, if it has one.
///
/// # Errors
/// If the database does not answer.
pub async fn role_of(db: &TenantDb, actor: Actor) -> Result<Option<RoleId>> {
    Ok(match actor {
        Actor::Member(id) => members::Entity::find_by_id(id).one(db).await?.map(|member| member.role_id),
        Actor::ApiKey(id) => api_keys::Entity::find_by_id(id).one(db).await?.map(|key| key.role_id),
        Actor::Customer(_) | Actor::Plugin(_) | Actor::System => None,
    })
}

/// What a role allows, for a member or an API key.
///
/// # Errors
/// If the database does not answer, or the role was written by a newer release.
pub async fn of_role(db: &TenantDb, role: RoleId, member: Option<MemberId>) -> Result<Access> {
    let Some(role) = roles::Entity::find_by_id(role).one(db).await? else { return Ok(Access::nothing()) };
    let Some(grants) = grants_of(&role)? else { return Ok(Access::All) };
    let team = match member.filter(|_| grants.speaks_of_teams()) {
        Some(member) => mates(db, member).await?,
        None => Vec::new(),
    };
    Ok(Access::Granted(Granted { grants: Arc::new(grants), team }))
}

/// Whether a role is the owner's. Nobody can lock the owner out, and nobody else can hand the role out.
///
/// # Errors
/// If the database does not answer.
pub async fn is_owner(db: &TenantDb, role: RoleId) -> Result<bool> {
    Ok(roles::Entity::find_by_id(role).one(db).await?.is_some_and(|role| role.name == "owner"))
}

/// The grants of a role; `None` for a role that allows everything.
///
/// # Errors
/// If the role was written by a newer release.
pub fn grants_of(role: &roles::Model) -> Result<Option<Grants>> {
    if role.access == ALL { Ok(None) } else { serde_json::from_str(&role.access).map(Some).map_err(Error::internal) }
}

/// The member and all members who share a team with them.
async fn mates(db: &TenantDb, member: MemberId) -> Result<Vec<MemberId>> {
    let own = team_members::Entity::find().filter(team_members::Column::MemberId.eq(member)).all(db).await?;
    let teams = own.into_iter().map(|row| row.team_id);
    let beside = team_members::Entity::find().filter(team_members::Column::TeamId.is_in(teams)).all(db).await?;
    let mut mates: Vec<MemberId> = beside.into_iter().map(|row| row.member_id).chain([member]).collect();
    mates.sort_unstable();
    mates.dedup();
    Ok(mates)
}
