//! Signing in through an organisation's provider: an existing person is recognised; a new person whose address is in
//! one of the organisation's domains gets an account and becomes a member.

use std::sync::Arc;

use entities::{
    control::users,
    ids::{MemberId, RecordId},
    tenant::members,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TransactionSession};
use tenants::{
    Actor, TenantDb, access,
    error::{Code, Error, Result},
    identity::{ClientInfo, Identity, SignedIn, email_key},
    registry::Person,
    security_log::{self, Event, Kind},
    sign_on::{self, Proven},
};

use crate::{
    Ctx,
    engine::{WriteKind, note_members},
    members::{as_member, insert},
    roles,
    rules::RuleSet,
};

/// Opens a session for a person whom the provider confirms, valid for this organisation alone.
///
/// # Errors
/// `FORBIDDEN` for an address that is not verified or in another domain, for a deactivated member, and for the owner:
/// otherwise whoever chooses the provider could act as the owner.
pub async fn enter(
    identity: &Identity,
    rules: Arc<RuleSet>,
    db: TenantDb,
    proven: &Proven,
    client: &ClientInfo,
) -> Result<SignedIn> {
    let tenant = db.tenant();
    let person = match identity.linked(tenant, proven).await? {
        Some(user) => Person::Known(user),
        None => newcomer(identity, &db, proven).await?,
    };
    let user = person.row();
    let before = members::Entity::find().filter(members::Column::UserId.eq(user.id)).one(&db).await?;
    match before {
        Some(member) if member.archived_at.is_some() => {
            return Err(refused("You were deactivated in this organisation."));
        }
        Some(member) if access::is_owner(&db, member.role_id).await? => {
            return Err(refused("The owner signs in with their password, not through a provider."));
        }
        Some(_) => {}
        None => join(identity, rules, db, &person, client).await?,
    }
    identity.link(tenant, proven, user.id).await?;
    identity.begin_bound(user.clone(), tenant, client).await
}

/// The person who has the address, or a new person. The provider is trusted for the organisation's own domains alone.
async fn newcomer(identity: &Identity, db: &TenantDb, proven: &Proven) -> Result<Person> {
    let email = proven.email.as_deref().filter(|_| proven.email_verified);
    let email = email.ok_or_else(|| refused("The provider has not verified your email address."))?;
    let key = email_key(email);
    let domains = sign_on::domains_of(db.control(), db.tenant()).await?;
    let domain = key.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    if !domains.iter().any(|known| known == domain) {
        return Err(refused("Your email address is not in one of this organisation's verified domains."));
    }
    match identity.registry().user_by_email(&key).await? {
        Some(user) => Ok(Person::Known(user)),
        None => identity.without_password(email, &proven.first_name, &proven.last_name, db.settings()),
    }
}

async fn join(
    identity: &Identity,
    rules: Arc<RuleSet>,
    db: TenantDb,
    person: &Person,
    client: &ClientInfo,
) -> Result<()> {
    let member = MemberId::new();
    identity.join(person, db.tenant(), member).await?;
    let ctx = as_member(identity, rules, db, member, Some(client)).await?;
    match write(&ctx, person.row(), member).await {
        Err(error) if error.code() == Code::StaleCatalog => write(&ctx.refreshed().await?, person.row(), member).await,
        done => done,
    }
}

async fn write(ctx: &Ctx, user: &users::Model, member: MemberId) -> Result<()> {
    let role = sign_on::role(&ctx.db).await?;
    let named = roles::by_id(ctx, role).await?.map(|role| role.name).unwrap_or_default();
    let now = ctx.caller.clock.micros();
    let (ctx, tx) = ctx.begin_write().await?;
    insert(&tx, user, member, (role, Actor::System.stored()), now).await?;
    let event = Event::of(&ctx.caller, Kind::MemberJoined).with("signOn", true).with("role", named);
    security_log::note(&tx, event, now).await?;
    note_members(&ctx, &tx, &[(RecordId(member.0), WriteKind::Created)]).await?;
    tx.commit().await?;
    Ok(())
}

fn refused(why: &str) -> Error {
    Error::new(Code::Forbidden, why)
}
