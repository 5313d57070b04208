//! Invitations by email: a caller who may manage members invites an address with a role, for a week. The email is
//! queued in the organisation's work, in the same transaction as the invitation.

mod accept;
mod emails;

pub use accept::{Answering, accept};
pub use emails::{InvitationEmail, email};
use entities::{
    ids::{InvitationId, MemberId},
    tenant::{invitations, members, roles},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    TransactionSession,
};
use tenants::{
    Actor, Permission, TenantDb, TenantTx,
    error::{Code, Error, FieldIssue, Issue, Result},
    identity::{check_email, email_key, links},
    mailing,
    security_log::{self, Event, Kind},
};

use crate::{
    Ctx,
    roles::{self as service, OWNER},
};

/// Life of an invitation, microseconds.
const LIFE: i64 = 7 * 24 * 3600 * 1_000_000;
/// Least time between two emails of one invitation, microseconds.
const PAUSE: i64 = 60 * 1_000_000;
/// Most open invitations of one organisation.
const MOST: u64 = 500;

/// An open invitation.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    /// Name of the role.
    pub role: String,
    /// Who invited them, as stored.
    pub created_by: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
}

/// Invites somebody by email; an earlier invitation of the same address is replaced.
///
/// # Errors
/// `FORBIDDEN`, also for a role that allows more than the caller's; `VALIDATION_FAILED` for the address; `NOT_FOUND`
/// for the role; `CONFLICT` for the owner's role, and for a member; `RATE_LIMITED`; `QUOTA_EXCEEDED`.
pub async fn invite(ctx: &Ctx, email: &str, role: &str) -> Result<Invitation> {
    ctx.caller.demand(Permission::ManageMembers)?;
    if let Some(issue) = check_email("email", email) {
        return Err(Error::invalid(vec![issue]));
    }
    let role = service::by_name(ctx, role).await?;
    if role.name == OWNER {
        return Err(Error::new(
            Code::Conflict,
            "There is only one owner. Use `transferOwnership` to hand that role over.",
        ));
    }
    service::within_own(ctx, &role)?;
    let (email_k, now) = (email_key(email), ctx.caller.clock.micros());
    let member = members::Entity::find().filter(members::Column::EmailK.eq(&email_k));
    if let Some(member) = member.filter(members::Column::ArchivedAt.is_null()).one(&ctx.db).await? {
        let issue = Issue::Taken(Some(member.id.to_string()));
        return Err(Error::invalid(vec![FieldIssue { field: "email".to_owned(), issue }]));
    }
    let id = InvitationId::new();
    let (token, token_hash) = token(&ctx.db, id)?;
    let row = invitations::Model {
        id,
        email: email.trim().to_owned(),
        email_k,
        role_id: role.id,
        token_hash,
        created_at: now,
        created_by: ctx.caller.actor.stored(),
        sent_at: now,
        expires_at: now + LIFE,
    };
    let (ctx, tx) = ctx.begin_write().await?;
    invitations::Entity::delete_many().filter(invitations::Column::ExpiresAt.lte(now)).exec(&tx).await?;
    let same = invitations::Entity::find().filter(invitations::Column::EmailK.eq(&row.email_k));
    if let Some(before) = same.one(&tx).await? {
        not_so_fast(&before, now)?;
        invitations::Entity::delete_by_id(before.id).exec(&tx).await?;
    }
    if invitations::Entity::find().count(&tx).await? >= MOST {
        return Err(Error::new(
            Code::QuotaExceeded,
            format!("{MOST} invitations are open already; revoke some first."),
        ));
    }
    invitations::Entity::insert(row.clone().into_active_model()).exec_without_returning(&tx).await?;
    may_mail(&ctx, &row).await?;
    emails::ask(&ctx, &tx, &row, token).await?;
    security_log::note(&tx, audit_event(&ctx, id).with("role", role.name.as_str()), now).await?;
    tx.commit().await?;
    ctx.db.tickets().wake();
    Ok(Invitation::of(row, role.name))
}

/// The open invitations, newest first.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn list(ctx: &Ctx) -> Result<Vec<Invitation>> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let query = invitations::Entity::find().filter(invitations::Column::ExpiresAt.gt(ctx.caller.clock.micros()));
    let rows = query.order_by_desc(invitations::Column::Id).all(&ctx.db).await?;
    let roles = roles::Entity::find().all(&ctx.db).await?;
    let name =
        |row: &invitations::Model| roles.iter().find(|role| role.id == row.role_id).map(|role| role.name.clone());
    let shown = |row: invitations::Model| {
        let role = name(&row).unwrap_or_default();
        Invitation::of(row, role)
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Revokes an invitation; its link stops working.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn revoke(ctx: &Ctx, id: InvitationId) -> Result<()> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let (ctx, tx) = ctx.begin_write().await?;
    if invitations::Entity::delete_by_id(id).exec(&tx).await?.rows_affected == 0 {
        return Err(no_invitation());
    }
    security_log::note(&tx, audit_event(&ctx, id).with("what", "revoked"), ctx.caller.clock.micros()).await?;
    tx.commit().await?;
    Ok(())
}

/// Revokes what a member has sent, in the transaction that deactivates them.
pub(crate) async fn take_back(tx: &TenantTx, member: MemberId) -> Result<()> {
    let sent = invitations::Column::CreatedBy.eq(Actor::Member(member).stored());
    invitations::Entity::delete_many().filter(sent).exec(tx).await?;
    Ok(())
}

/// Sends another email, in the caller's name. Earlier links stop working, and the week starts again.
///
/// # Errors
/// `FORBIDDEN`, also for a role that allows more than the caller's; `NOT_FOUND`; `RATE_LIMITED` within a minute, and
/// after too many emails.
pub async fn resend(ctx: &Ctx, id: InvitationId) -> Result<Invitation> {
    ctx.caller.demand(Permission::ManageMembers)?;
    let now = ctx.caller.clock.micros();
    let (token, token_hash) = token(&ctx.db, id)?;
    let (ctx, tx) = ctx.begin_write().await?;
    let row = invitations::Entity::find_by_id(id).one(&tx).await?;
    let row = row.filter(|row| row.expires_at > now).ok_or_else(no_invitation)?;
    let role = service::by_id(&ctx, row.role_id).await?.ok_or_else(no_invitation)?;
    service::within_own(&ctx, &role)?;
    not_so_fast(&row, now)?;
    let created_by = ctx.caller.actor.stored();
    let row = invitations::Model { token_hash, created_by, sent_at: now, expires_at: now + LIFE, ..row };
    let changed = invitations::ActiveModel {
        token_hash: Set(row.token_hash.clone()),
        created_by: Set(row.created_by.clone()),
        sent_at: Set(now),
        expires_at: Set(row.expires_at),
        ..Default::default()
    };
    invitations::Entity::update_many().set(changed).filter(invitations::Column::Id.eq(id)).exec(&tx).await?;
    may_mail(&ctx, &row).await?;
    emails::ask(&ctx, &tx, &row, token).await?;
    let event = audit_event(&ctx, id).with("role", role.name.as_str()).with("what", "resent");
    security_log::note(&tx, event, now).await?;
    tx.commit().await?;
    ctx.db.tickets().wake();
    Ok(Invitation::of(row, role.name))
}

impl Invitation {
    fn of(row: invitations::Model, role: String) -> Self {
        let invitations::Model { id, email, created_by, created_at, expires_at, .. } = row;
        Self { id, email, role, created_by, created_at, expires_at }
    }
}

/// The token of a link, and the hash that the row stores. It names the organisation, because whoever follows it is not
/// in one yet.
fn token(db: &TenantDb, id: InvitationId) -> Result<(String, Vec<u8>)> {
    links::token(format!("{}_{id}", db.tenant()))
}

fn not_so_fast(row: &invitations::Model, now: i64) -> Result<()> {
    if row.sent_at > now - PAUSE {
        let reported = "An email was sent to this address a moment ago. Wait a minute.";
        return Err(mailing::later(reported.to_owned(), row.sent_at + PAUSE - now));
    }
    Ok(())
}

/// Limits emails in a way that revoking invitations does not reset.
async fn may_mail(ctx: &Ctx, row: &invitations::Model) -> Result<()> {
    let (control, now) = (ctx.db.control().write(), ctx.caller.clock.micros());
    mailing::to_address(control, &row.email_k, now).await?;
    mailing::of_organisation(control, ctx.db.tenant(), now).await
}

/// Adds an entry about an invitation to the security log.
fn audit_event(ctx: &Ctx, id: InvitationId) -> Event {
    Event::of(&ctx.caller, Kind::MemberInvited).with("invitation", id.to_string())
}

fn no_invitation() -> Error {
    Error::new(Code::NotFound, "There is no such invitation; it may have been accepted or have expired.")
}

/// The name of a member, as emails show it.
async fn name_of(db: &TenantDb, id: MemberId) -> Result<Option<String>> {
    Ok(members::Entity::find_by_id(id).one(db).await?.map(|member| member.name).filter(|name| !name.is_empty()))
}
