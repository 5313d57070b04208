//! Accepts an invitation: a new person gets an account and becomes a member; an existing person becomes a member.

use std::sync::Arc;

use entities::{
    control::users,
    ids::{InvitationId, MemberId, RecordId, TenantId},
    tenant::{invitations, members},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, TransactionSession,
    sea_query::{Expr, ExprTrait},
};
use tenants::{
    Actor, Caller, Permission, TenantDb, access,
    error::{Code, Error, Result},
    identity::{ClientInfo, EmailKind, Identity, Membership, NewAccount, Notice, links, name_of},
    registry::Person,
    security_log::{self, Event, Kind},
};

use crate::{
    Ctx,
    engine::{WriteKind, note_members},
    fold::fold_v1,
    members::{as_member, insert},
    roles::{self, Role},
    rules::RuleSet,
};

/// Who follows the link of an invitation.
pub enum Answering {
    /// A person who is signed in.
    Known(users::Model),
    /// A person without an account, whose address was invited.
    New { first_name: String, last_name: String, password: String },
}

/// Makes whoever follows the link a member.
///
/// # Errors
/// `LINK_EXPIRED`, also if the inviter may no longer give that role; `FORBIDDEN` for a person with another address;
/// `CONFLICT` for a new person whose address already has an account, and for a member; `VALIDATION_FAILED` for names or
/// password.
pub async fn accept(
    identity: &Identity,
    rules: Arc<RuleSet>,
    token: &str,
    who: Answering,
    client: &ClientInfo,
) -> Result<Membership> {
    let (db, row) = invited(identity, token).await?;
    let person = person(identity, &db, &row, who, client).await?;
    let user = person.row();
    let before = members::Entity::find().filter(members::Column::UserId.eq(user.id)).one(&db).await?;
    if before.as_ref().is_some_and(|before| before.archived_at.is_none()) {
        return Err(member_already());
    }
    let member = before.map(|before| before.id);
    let joining = Joining { user, member: member.unwrap_or_else(MemberId::new), comes_back: member.is_some() };
    let ctx = as_member(identity, rules, db, joining.member, Some(client)).await?;
    let role = offered(&ctx, &row).await?;
    // first the control plane, then the tenant's space: a crash in between leaves a pointer to a member who does not
    // exist, which nothing follows, and the link still works
    identity.join(&person, ctx.db.tenant(), joining.member).await?;
    match write(&ctx, &row, &role, &joining).await {
        Err(error) if error.code() == Code::StaleCatalog => {
            write(&ctx.refreshed().await?, &row, &role, &joining).await?;
        }
        done => done?,
    }
    tell_inviter(identity, &ctx.db, &row, user).await?;
    let joined = identity.memberships(user.id).await?.into_iter().find(|one| one.member == joining.member);
    joined.ok_or_else(|| Error::internal("a new member is missing in the memberships"))
}

/// A person who is about to become a member.
struct Joining<'a> {
    user: &'a users::Model,
    member: MemberId,
    /// They were a member before, and were deactivated.
    comes_back: bool,
}

/// The role of an invitation, if its sender could give it today. A sender who was deactivated or has fewer rights now
/// brings nobody in with an old invitation.
async fn offered(ctx: &Ctx, row: &invitations::Model) -> Result<Role> {
    let gone = || Error::of(Code::LinkExpired);
    let inviter = Actor::from_stored(&row.created_by)?;
    let access = access::of_actor(&ctx.db, inviter).await?.filter(|access| access.has(Permission::ManageMembers));
    let caller = Caller { actor: inviter, access: Arc::new(access.ok_or_else(gone)?), ..(*ctx.caller).clone() };
    let inviter = Ctx { caller: Arc::new(caller), ..ctx.clone() };
    let role = roles::by_id(&inviter, row.role_id).await?.ok_or_else(gone)?;
    match roles::within_own(&inviter, &role) {
        Err(error) if error.code() == Code::Forbidden => Err(gone()),
        checked => checked.map(|()| role),
    }
}

/// The open invitation that a token belongs to.
async fn invited(identity: &Identity, token: &str) -> Result<(TenantDb, invitations::Model)> {
    let expired = || Error::of(Code::LinkExpired);
    let named: String = links::id(token).ok_or_else(expired)?;
    let (tenant, id) = named.split_once('_').ok_or_else(expired)?;
    let tenant: TenantId = tenant.parse().map_err(|_| expired())?;
    let id: InvitationId = id.parse().map_err(|_| expired())?;
    let registry = identity.registry();
    let db = match registry.space(tenant).await {
        Ok(db) => db,
        Err(error) if error.code() == Code::NotFound => return Err(expired()),
        Err(error) => return Err(error),
    };
    let row = invitations::Entity::find_by_id(id).one(&db).await?;
    let live =
        |row: &invitations::Model| links::matches(token, &row.token_hash) && row.expires_at > registry.clock().micros();
    let row = row.filter(live).ok_or_else(expired)?;
    Ok((db, row))
}

async fn person(
    identity: &Identity,
    db: &TenantDb,
    row: &invitations::Model,
    who: Answering,
    client: &ClientInfo,
) -> Result<Person> {
    match who {
        Answering::Known(user) if user.email_key == row.email_k => Ok(Person::Known(user)),
        Answering::Known(_) => {
            Err(Error::new(Code::Forbidden, "The invitation is for another address. Sign in with that one."))
        }
        Answering::New { first_name, last_name, password } => {
            let account = NewAccount { first_name, last_name, email: row.email.clone(), password };
            identity.newcomer(account, db.settings(), client).await
        }
    }
}

async fn write(ctx: &Ctx, row: &invitations::Model, role: &Role, joining: &Joining<'_>) -> Result<()> {
    let (now, member) = (ctx.caller.clock.micros(), joining.member);
    let (ctx, tx) = ctx.begin_write().await?;
    let own = invitations::Entity::delete_many().filter(invitations::Column::Id.eq(row.id));
    // whoever deletes the row has accepted the invitation
    let taken = own.filter(invitations::Column::TokenHash.eq(row.token_hash.clone())).exec(&tx).await?;
    if taken.rows_affected != 1 {
        return Err(Error::of(Code::LinkExpired));
    }
    let kind = if joining.comes_back {
        let back = members::ActiveModel {
            archived_at: Set(None),
            role_id: Set(role.id),
            name_k: Set(fold_v1(&name_of(joining.user))),
            name: Set(name_of(joining.user)),
            email: Set(joining.user.email.clone()),
            email_k: Set(joining.user.email_key.clone()),
            updated_at: Set(now),
            updated_by: Set(ctx.caller.actor.stored()),
            ..Default::default()
        };
        let update = members::Entity::update_many()
            .set(back)
            .col_expr(members::Column::Version, Expr::col(members::Column::Version).add(1))
            .filter(members::Column::Id.eq(member))
            // somebody who was reactivated meanwhile keeps their role
            .filter(members::Column::ArchivedAt.is_not_null());
        if update.exec(&tx).await?.rows_affected != 1 {
            return Err(member_already());
        }
        WriteKind::Restored
    } else {
        insert(&tx, joining.user, member, (role.id, row.created_by.clone()), now).await?;
        WriteKind::Created
    };
    let event = Event::of(&ctx.caller, Kind::MemberJoined).with("invitation", row.id.to_string());
    security_log::note(&tx, event.with("role", role.name.as_str()), now).await?;
    access::changed(&tx).await?;
    note_members(&ctx, &tx, &[(RecordId(member.0), kind)]).await?;
    tx.commit().await?;
    Ok(())
}

fn member_already() -> Error {
    Error::new(Code::Conflict, "You are already a member of this organisation; your role does not change.")
}

async fn tell_inviter(identity: &Identity, db: &TenantDb, row: &invitations::Model, user: &users::Model) -> Result<()> {
    let Actor::Member(inviter) = Actor::from_stored(&row.created_by)? else { return Ok(()) };
    let inviter = members::Entity::find_by_id(inviter).one(db).await?;
    let Some(inviter) = inviter.filter(|inviter| inviter.archived_at.is_none()) else { return Ok(()) };
    let kind = EmailKind::InvitationAccepted { organisation: db.settings().name.clone(), who: name_of(user) };
    identity.notify(inviter.user_id, Notice::InvitationAccepted, kind).await
}
