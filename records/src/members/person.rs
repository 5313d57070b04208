//! What people do with their own accounts, where it concerns the organisations that they are members of.

use std::sync::Arc;

use entities::{
    control::users,
    ids::{MemberId, RecordId, RoleId, TenantId},
    tenant::{members, roles},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, TransactionSession,
    sea_query::{Expr, ExprTrait},
};
use tenants::{
    Access, Actor, Caller, Origin, TenantDb, TenantTx, access,
    error::{Code, Error, Result},
    identity::{ClientInfo, Identity, name_of},
    security_log::{self, Event, Kind},
};

use crate::{
    Ctx,
    engine::{WriteKind, note_members},
    fold::fold_v1,
    invitations,
    roles::OWNER,
    rules::RuleSet,
};

/// The domain of the addresses that replace those of deleted accounts: no mail can reach it (RFC 2606).
pub(super) const DELETED: &str = "@deleted.invalid";

/// Deletes a person's account. As a member they are archived everywhere; then names and address are erased.
///
/// # Errors
/// `BAD_CREDENTIALS` for the password; `CONFLICT` naming an organisation whose only owner they are.
pub async fn delete_account(
    identity: &Identity,
    rules: &Arc<RuleSet>,
    user: &users::Model,
    password: &str,
    client: &ClientInfo,
) -> Result<()> {
    identity.demand_password(user, password, client).await?;
    let mut places = Vec::new();
    // check every organisation before leaving one
    for (row, tenant) in identity.registry().of_user(user.id).await? {
        let db = identity.registry().space(tenant.id).await?;
        if only_owner(&db, row.member_id).await? {
            return Err(needed(&db));
        }
        places.push((db, row.member_id));
    }
    let left: Vec<TenantId> = places.iter().map(|(db, _)| db.tenant()).collect();
    for (db, member) in places {
        let ctx = as_member(identity, Arc::clone(rules), db, member, Some(client)).await?;
        match leave(&ctx, member).await {
            Err(error) if error.code() == Code::StaleCatalog => leave(&ctx.refreshed().await?, member).await?,
            done => done?,
        }
    }
    identity.erase(user, &left).await
}

/// Writes name and address of a person into the organisations where they are a member.
///
/// # Errors
/// If a database does not answer; it can be repeated.
pub async fn follow(identity: &Identity, rules: &Arc<RuleSet>, user: &users::Model) -> Result<()> {
    for (row, _) in identity.registry().of_user(user.id).await? {
        // where they were deactivated, the old name is kept
        let Some(db) = identity.registry().place(&row).await? else { continue };
        let ctx = as_member(identity, Arc::clone(rules), db, row.member_id, None).await?;
        match renamed(&ctx, row.member_id, user).await {
            Err(error) if error.code() == Code::StaleCatalog => {
                renamed(&ctx.refreshed().await?, row.member_id, user).await?;
            }
            done => done?,
        }
    }
    Ok(())
}

/// Inserts the row of a person who becomes a member, with a role, on behalf of somebody.
pub(crate) async fn insert(
    tx: &TenantTx,
    user: &users::Model,
    member: MemberId,
    (role, by): (RoleId, String),
    now: i64,
) -> Result<()> {
    let name = name_of(user);
    let row = members::Model {
        id: member,
        version: 1,
        name_k: fold_v1(&name),
        name,
        external_id: None,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        updated_by: by,
        archived_at: None,
        user_id: user.id,
        role_id: role,
        email: user.email.clone(),
        email_k: user.email_key.clone(),
    };
    members::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

async fn renamed(ctx: &Ctx, member: MemberId, user: &users::Model) -> Result<()> {
    let name = name_of(user);
    let changed = members::ActiveModel {
        name_k: Set(fold_v1(&name)),
        name: Set(name),
        email: Set(user.email.clone()),
        email_k: Set(user.email_key.clone()),
        ..Default::default()
    };
    let (ctx, tx) = ctx.begin_write().await?;
    write(&ctx, &tx, member, changed, WriteKind::Updated).await?;
    tx.commit().await?;
    Ok(())
}

async fn leave(ctx: &Ctx, member: MemberId) -> Result<()> {
    let now = ctx.caller.clock.micros();
    let (ctx, tx) = ctx.begin_write().await?;
    // two owners who leave at once wait for each other on this row
    roles::Entity::update_many()
        .col_expr(roles::Column::Name, Expr::value(OWNER))
        .filter(roles::Column::Name.eq(OWNER))
        .exec(&tx)
        .await?;
    if only_owner(&tx, member).await? {
        return Err(needed(&ctx.db));
    }
    security_log::note(&tx, Event::of(&ctx.caller, Kind::MemberChanged).with("left", true), now).await?;
    invitations::take_back(&tx, member).await?;
    let nowhere = format!("{member}{DELETED}");
    let archived = members::ActiveModel {
        archived_at: Set(Some(now)),
        email: Set(nowhere.clone()),
        email_k: Set(nowhere),
        ..Default::default()
    };
    write(&ctx, &tx, member, archived, WriteKind::Archived).await?;
    tx.commit().await?;
    Ok(())
}

async fn write(
    ctx: &Ctx,
    tx: &TenantTx,
    member: MemberId,
    changed: members::ActiveModel,
    kind: WriteKind,
) -> Result<()> {
    let by = members::ActiveModel {
        updated_at: Set(ctx.caller.clock.micros()),
        updated_by: Set(ctx.caller.actor.stored()),
        ..changed
    };
    members::Entity::update_many()
        .set(by)
        .col_expr(members::Column::Version, Expr::col(members::Column::Version).add(1))
        .filter(members::Column::Id.eq(member))
        .exec(tx)
        .await?;
    access::changed(tx).await?;
    note_members(ctx, tx, &[(RecordId(member.0), kind)]).await
}

/// The context of a person who changes only themselves.
pub(crate) async fn as_member(
    identity: &Identity,
    rules: Arc<RuleSet>,
    db: TenantDb,
    member: MemberId,
    client: Option<&ClientInfo>,
) -> Result<Ctx> {
    let caller = Caller {
        tenant: db.tenant(),
        actor: Actor::Member(member),
        origin: Origin::Graphql,
        access: Arc::new(Access::nothing()),
        locale: db.settings().language.clone(),
        clock: identity.registry().clock().clone(),
        request: format!("account-{member}"),
        run: None,
        client: client.cloned().map(Arc::new),
        points_per_second: None,
    };
    Ctx::open(Arc::new(caller), db, rules).await
}

async fn only_owner(db: &impl ConnectionTrait, member: MemberId) -> Result<bool> {
    let Some(owner) = roles::Entity::find().filter(roles::Column::Name.eq(OWNER)).one(db).await? else {
        return Ok(false);
    };
    let owners = || {
        let active = members::Entity::find().filter(members::Column::ArchivedAt.is_null());
        active.filter(members::Column::RoleId.eq(owner.id))
    };
    let is_one = owners().filter(members::Column::Id.eq(member)).count(db).await? > 0;
    Ok(is_one && owners().filter(members::Column::Id.ne(member)).count(db).await? == 0)
}

fn needed(db: &TenantDb) -> Error {
    let name = &db.settings().name;
    let reported = format!("You are the only owner of {name}. Hand it over with `transferOwnership` first.");
    Error::new(Code::Conflict, reported).with("organisation", name.as_str())
}
