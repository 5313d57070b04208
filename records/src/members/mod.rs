//! The members of the organisation: their roles, whether they are active, who is the owner, and their teams. They are
//! records too, so changes appear in history and feed.

mod person;
mod teams;

use std::collections::HashMap;

use entities::{
    ids::{MemberId, RecordId, RoleId},
    tenant::{members, roles},
};
pub(crate) use person::{as_member, insert};
pub use person::{delete_account, follow};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TransactionSession};
pub use teams::{Team, add_to_team, create_team, delete_team, list_teams, remove_from_team, rename_team};
use tenants::{
    Actor, Operation, Permission, access,
    error::{Code, Error, Result},
    security_log::{self, Event, Kind},
};

use crate::{
    Ctx,
    catalog::Object,
    engine::{WriteKind, note_members},
    invitations, permission,
    roles::{self as service, OWNER},
};

/// A member of the organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub id: MemberId,
    pub name: String,
    pub email: String,
    /// Name of the role.
    pub role: String,
    /// False if they were deactivated.
    pub active: bool,
    /// Names of the teams.
    pub teams: Vec<String>,
}

/// The members that the caller can see, by name, including deactivated ones.
///
/// # Errors
/// `FORBIDDEN` for a caller who may not read members, their names or addresses.
pub async fn list(ctx: &Ctx) -> Result<Vec<Member>> {
    let object = read(ctx)?;
    let mut rows = members::Entity::find().order_by_asc(members::Column::NameK).all(&ctx.db).await?;
    let ids: Vec<RecordId> = rows.iter().map(|row| RecordId(row.id.0)).collect();
    let seen = permission::visible(ctx, &ctx.db, object, &ids).await?;
    rows.retain(|row| seen.contains(&RecordId(row.id.0)));
    shown(ctx, rows).await
}

async fn shown(ctx: &Ctx, rows: Vec<members::Model>) -> Result<Vec<Member>> {
    let names: HashMap<RoleId, String> =
        roles::Entity::find().all(&ctx.db).await?.into_iter().map(|role| (role.id, role.name)).collect();
    let mut teams = teams::of_members(ctx).await?;
    let member = |row: members::Model| Member {
        id: row.id,
        role: names.get(&row.role_id).cloned().unwrap_or_default(),
        active: row.archived_at.is_none(),
        teams: teams.remove(&row.id).unwrap_or_default(),
        name: row.name,
        email: row.email,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// One member.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn by_id(ctx: &Ctx, id: MemberId) -> Result<Member> {
    let row = find(ctx, id).await?;
    shown(ctx, vec![row]).await?.pop().ok_or_else(no_member)
}

/// Gives a member another role.
///
/// # Errors
/// `FORBIDDEN` if the old or the new role allows more than the caller's; `NOT_FOUND`; `CONFLICT` for the owner, whose
/// role is handed over by [`transfer_ownership`].
pub async fn change_role(ctx: &Ctx, id: MemberId, role: &str) -> Result<Member> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let row = changeable(ctx, id).await?;
    let role = service::by_name(ctx, role).await?;
    if role.name == OWNER {
        return Err(Error::new(
            Code::Conflict,
            "There is only one owner. Use `transferOwnership` to hand that role over.",
        ));
    }
    service::within_own(ctx, &role)?;
    write(ctx, &[(row, MemberChange::Role(role.id))]).await?;
    by_id(ctx, id).await
}

/// Deactivates a member: within a second all their sessions are refused here, and invitations that they sent and nobody
/// has accepted end. API keys that they created belong to the organisation and stay valid.
///
/// # Errors
/// As [`change_role`].
pub async fn deactivate(ctx: &Ctx, id: MemberId) -> Result<Member> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let row = changeable(ctx, id).await?;
    if ctx.caller.actor == Actor::Member(id) {
        return Err(Error::new(Code::Conflict, "You cannot deactivate yourself; ask another administrator."));
    }
    if row.archived_at.is_none() {
        write(ctx, &[(row, MemberChange::Active(false))]).await?;
    }
    by_id(ctx, id).await
}

/// Reactivates a member, with the role they had.
///
/// # Errors
/// As [`change_role`]; `CONFLICT` for a member whose account was deleted.
pub async fn reactivate(ctx: &Ctx, id: MemberId) -> Result<Member> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let row = changeable(ctx, id).await?;
    if row.email.ends_with(person::DELETED) {
        let message = "This person has deleted their account. Use `inviteMember` to invite them again.";
        return Err(Error::new(Code::Conflict, message));
    }
    if row.archived_at.is_some() {
        write(ctx, &[(row, MemberChange::Active(true))]).await?;
    }
    by_id(ctx, id).await
}

/// Makes another member the owner; the previous owner becomes an administrator. It cannot be done through single
/// sign-on, which never acts for the owner ([`tenants::identity::Identity::authenticate`]).
///
/// # Errors
/// `FORBIDDEN` for anybody but the owner; `NOT_FOUND`; `CONFLICT` for a deactivated member.
pub async fn transfer_ownership(ctx: &Ctx, to: MemberId) -> Result<Member> {
    let row = find(ctx, to).await?;
    let owner = service::by_name(ctx, OWNER).await?;
    let Actor::Member(me) = ctx.caller.actor else { return Err(Error::of(Code::Forbidden)) };
    let mine = find(ctx, me).await?;
    if mine.role_id != owner.id {
        return Err(Error::new(Code::Forbidden, "Only the owner can hand the organisation over."));
    }
    if row.archived_at.is_some() {
        return Err(Error::new(Code::Conflict, "This member is deactivated; reactivate them first."));
    }
    if to != me {
        let admin = service::by_name(ctx, "admin").await?;
        write(ctx, &[(row, MemberChange::Role(owner.id)), (mine, MemberChange::Role(admin.id))]).await?;
    }
    by_id(ctx, to).await
}

/// Refuses a caller who may not read members, or their names and addresses.
fn read(ctx: &Ctx) -> Result<&Object> {
    let object = ctx.catalog.object("member").ok_or_else(|| Error::internal("there is no object `member`"))?;
    permission::permit(ctx, object, Operation::Read)?;
    let shown = ["name", "email"].into_iter().filter_map(|name| object.field(name));
    shown.into_iter().try_for_each(|field| permission::see(ctx, field))?;
    Ok(object)
}

/// A member whom the caller may change: not the owner, and nobody whose role allows more than the caller's.
async fn changeable(ctx: &Ctx, id: MemberId) -> Result<members::Model> {
    let row = find(ctx, id).await?;
    if let Some(role) = service::by_id(ctx, row.role_id).await? {
        if role.name == OWNER {
            return Err(Error::new(Code::Conflict, "The owner cannot be changed; hand the organisation over first."));
        }
        service::within_own(ctx, &role)?;
    }
    Ok(row)
}

async fn find(ctx: &Ctx, id: MemberId) -> Result<members::Model> {
    members::Entity::find_by_id(id).one(&ctx.db).await?.ok_or_else(no_member)
}

fn no_member() -> Error {
    Error::new(Code::NotFound, "There is no such member.")
}

/// A change of a member.
enum MemberChange {
    Role(RoleId),
    Active(bool),
}

/// Writes changes of members, each only if the row is as it was read, and adds them to the history.
async fn write(ctx: &Ctx, changes: &[(members::Model, MemberChange)]) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let (ctx, tx) = ctx.begin_write().await?;
    let mut noted = Vec::with_capacity(changes.len());
    for (row, change) in changes {
        let mut new = members::ActiveModel {
            version: Set(row.version + 1),
            updated_at: Set(now),
            updated_by: Set(ctx.caller.actor.stored()),
            ..Default::default()
        };
        let kind = match change {
            MemberChange::Role(role) => {
                new.role_id = Set(*role);
                WriteKind::Updated
            }
            MemberChange::Active(true) => {
                new.archived_at = Set(None);
                WriteKind::Restored
            }
            MemberChange::Active(false) => {
                new.archived_at = Set(Some(now));
                WriteKind::Archived
            }
        };
        let update = members::Entity::update_many().set(new).filter(members::Column::Id.eq(row.id));
        let update = update.filter(members::Column::Version.eq(row.version));
        if update.exec(&tx).await?.rows_affected == 0 {
            return Err(Error::new(Code::Conflict, "Somebody else has just changed this member. Try again."));
        }
        if matches!(change, MemberChange::Active(false)) {
            invitations::take_back(&tx, row.id).await?;
        }
        noted.push((RecordId(row.id.0), kind));
        security_log::note(&tx, event(&ctx, change, row), now).await?;
    }
    access::changed(&tx).await?;
    note_members(&ctx, &tx, &noted).await?;
    tx.commit().await?;
    Ok(())
}

/// Adds an entry about a member to the security log.
fn event(ctx: &Ctx, change: &MemberChange, row: &members::Model) -> Event {
    let event = Event::of(&ctx.caller, Kind::MemberChanged).with("member", row.id.to_string());
    match change {
        MemberChange::Role(role) => event.with("role", role.to_string()),
        MemberChange::Active(active) => event.with("active", *active),
    }
}
