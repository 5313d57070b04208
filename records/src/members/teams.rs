//! Teams: their members have access to each other's records, where a role uses the scope TEAM.

use std::collections::HashMap;

use entities::{
    ids::{MemberId, RecordId, TeamId},
    tenant::{members, team_members, teams},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    TransactionSession, sea_query::OnConflict,
};
use tenants::{
    Access, Actor, Permission, TenantTx, access,
    db::violation,
    error::{Code, Error, FieldIssue, Issue, Result},
    security_log::{self, Event, Kind},
};

use crate::{Ctx, permission, roles};

/// Most teams of one organisation.
const MOST: u64 = 500;

/// A team.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub members: Vec<MemberId>,
}

/// All teams, by name.
///
/// # Errors
/// `FORBIDDEN` for a caller who may not read members.
pub async fn list_teams(ctx: &Ctx) -> Result<Vec<Team>> {
    let object = super::read(ctx)?;
    let mut members: HashMap<TeamId, Vec<MemberId>> = HashMap::new();
    for row in team_members::Entity::find().order_by_asc(team_members::Column::MemberId).all(&ctx.db).await? {
        members.entry(row.team_id).or_default().push(row.member_id);
    }
    let all: Vec<RecordId> = members.values().flatten().map(|id| RecordId(id.0)).collect();
    let seen = permission::visible(ctx, &ctx.db, object, &all).await?;
    members.values_mut().for_each(|ids| ids.retain(|id| seen.contains(&RecordId(id.0))));
    let rows = teams::Entity::find().order_by_asc(teams::Column::Name).all(&ctx.db).await?;
    let team =
        |row: teams::Model| Team { members: members.remove(&row.id).unwrap_or_default(), id: row.id, name: row.name };
    Ok(rows.into_iter().map(team).collect())
}

/// The names of the teams of each member.
pub(super) async fn of_members(ctx: &Ctx) -> Result<HashMap<MemberId, Vec<String>>> {
    let mut of: HashMap<MemberId, Vec<String>> = HashMap::new();
    for team in list_teams(ctx).await? {
        for member in team.members {
            of.entry(member).or_default().push(team.name.clone());
        }
    }
    Ok(of)
}

/// Creates a team without members.
///
/// # Errors
/// `FORBIDDEN`, `NAME_TAKEN`, `VALIDATION_FAILED`, `QUOTA_EXCEEDED`.
pub async fn create_team(ctx: &Ctx, name: &str) -> Result<Team> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let name = checked(name)?;
    let (ctx, tx) = ctx.begin_write().await?;
    if teams::Entity::find().count(&tx).await? >= MOST {
        return Err(Error::new(Code::QuotaExceeded, format!("An organisation can have at most {MOST} teams.")));
    }
    let team = Team { id: TeamId::new(), name, members: Vec::new() };
    let row = teams::ActiveModel { id: Set(team.id), name: Set(team.name.clone()) };
    let inserted = teams::Entity::insert(row).exec_without_returning(&tx).await;
    inserted.map_err(|error| taken(error, &team.name))?;
    log(&ctx, &tx, audit_event(&ctx, team.id, "created").with("name", team.name.as_str())).await?;
    tx.commit().await?;
    Ok(team)
}

/// Renames a team.
///
/// # Errors
/// As [`create_team`]; `NOT_FOUND`.
pub async fn rename_team(ctx: &Ctx, id: TeamId, name: &str) -> Result<Team> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let name = checked(name)?;
    find(ctx, id).await?;
    let row = teams::ActiveModel { id: Set(id), name: Set(name.clone()) };
    let (ctx, tx) = ctx.begin_write().await?;
    row.update(&tx).await.map_err(|error| taken(error, &name))?;
    log(&ctx, &tx, audit_event(&ctx, id, "renamed").with("name", name)).await?;
    let renamed = find(&ctx, id).await?;
    tx.commit().await?;
    Ok(renamed)
}

/// Deletes a team; its members stay in the organisation.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn delete_team(ctx: &Ctx, id: TeamId) -> Result<()> {
    may_move(ctx)?;
    let team = find(ctx, id).await?;
    let (ctx, tx) = ctx.begin_write().await?;
    team_members::Entity::delete_many().filter(team_members::Column::TeamId.eq(id)).exec(&tx).await?;
    teams::Entity::delete_by_id(id).exec(&tx).await?;
    log(&ctx, &tx, audit_event(&ctx, id, "deleted").with("name", team.name)).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Adds a member to a team; does nothing if they are in it.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn add_to_team(ctx: &Ctx, team: TeamId, member: MemberId) -> Result<Team> {
    may_move(ctx)?;
    let before = find(ctx, team).await?;
    movable(ctx, member).await?;
    gives_no_more(ctx, &before, member).await?;
    let row = team_members::ActiveModel { team_id: Set(team), member_id: Set(member) };
    let there = OnConflict::columns([team_members::Column::TeamId, team_members::Column::MemberId])
        .update_column(team_members::Column::MemberId)
        .to_owned();
    let (ctx, tx) = ctx.begin_write().await?;
    team_members::Entity::insert(row).on_conflict(there).exec_without_returning(&tx).await?;
    log(&ctx, &tx, audit_event(&ctx, team, "joined").with("member", member.to_string())).await?;
    let changed = find(&ctx, team).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Removes a member from a team.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn remove_from_team(ctx: &Ctx, team: TeamId, member: MemberId) -> Result<Team> {
    may_move(ctx)?;
    find(ctx, team).await?;
    movable(ctx, member).await?;
    let (ctx, tx) = ctx.begin_write().await?;
    team_members::Entity::delete_by_id((team, member)).exec(&tx).await?;
    log(&ctx, &tx, audit_event(&ctx, team, "left").with("member", member.to_string())).await?;
    let changed = find(&ctx, team).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Refuses callers whose own row scope is TEAM: they could add a member to their team to see that member's records.
fn may_move(ctx: &Ctx) -> Result<()> {
    ctx.caller.demand(Permission::ManageMembers)?;
    if !ctx.caller.access.speaks_of_teams() {
        return Ok(());
    }
    let why = "Your role reaches the records of your teams, so you do not say who is in them; ask somebody whose role does \
               not speak of teams.";
    Err(Error::new(Code::Forbidden, why))
}

/// Refuses to move a member who may do more than the caller, or the caller: a team decides what a role gives access to.
async fn movable(ctx: &Ctx, member: MemberId) -> Result<()> {
    let row = super::find(ctx, member).await?;
    if ctx.caller.actor == Actor::Member(member) && *ctx.caller.access != Access::All {
        return Err(Error::new(Code::Forbidden, "You cannot add yourself to a team, or remove yourself from one."));
    }
    match roles::by_id(ctx, row.role_id).await? {
        Some(role) => roles::within_own(ctx, &role),
        None => Ok(()),
    }
}

/// Refuses to give a team's members access to more than the caller has: each will see the records of the others, where
/// their roles use the scope TEAM.
async fn gives_no_more(ctx: &Ctx, team: &Team, member: MemberId) -> Result<()> {
    let ids = team.members.iter().copied().chain([member]);
    let mates = members::Entity::find().filter(members::Column::Id.is_in(ids)).all(&ctx.db).await?;
    for role in roles::list(ctx).await?.iter().filter(|role| mates.iter().any(|mate| mate.role_id == role.id)) {
        if !ctx.caller.access.covers_teams_of(&role.access()) {
            let why = format!(
                "In this team, the role `{}` would give access to more records than your own role does.",
                role.name
            );
            return Err(Error::new(Code::Forbidden, why));
        }
    }
    Ok(())
}

/// Adds an entry about a team to the security log.
fn audit_event(ctx: &Ctx, team: TeamId, what: &str) -> Event {
    Event::of(&ctx.caller, Kind::MemberChanged).with("team", team.to_string()).with("what", what)
}

async fn log(ctx: &Ctx, tx: &TenantTx, event: Event) -> Result<()> {
    security_log::note(tx, event, ctx.caller.clock.micros()).await
}

async fn find(ctx: &Ctx, id: TeamId) -> Result<Team> {
    let row = teams::Entity::find_by_id(id).one(&ctx.db).await?;
    let row = row.ok_or_else(|| Error::new(Code::NotFound, "There is no such team."))?;
    let members = team_members::Entity::find().filter(team_members::Column::TeamId.eq(id));
    let members = members.order_by_asc(team_members::Column::MemberId).all(&ctx.db).await?;
    Ok(Team { id, name: row.name, members: members.into_iter().map(|row| row.member_id).collect() })
}

fn checked(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) {
        return Ok(name.to_owned());
    }
    let issue = Issue::WrongType("1 to 100 characters".into());
    Err(Error::invalid(vec![FieldIssue { field: "name".to_owned(), issue }]))
}

fn taken(error: sea_orm::DbErr, name: &str) -> Error {
    match violation(&error) {
        Some(_) => Error::new(Code::NameTaken, format!("There is already a team `{name}`.")),
        None => error.into(),
    }
}
