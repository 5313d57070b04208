//! The organisation's roles: what its members and API keys may do. Nobody can create a role that allows more than their
//! own, or change one that already does.

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    ids::{ObjectId, RoleId},
    tenant::{api_keys, members, roles},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, TransactionSession,
};
use tenants::{
    Access, Permission,
    access::{self, Grants, ObjectGrant},
    db::violation,
    error::{Code, Error, FieldIssue, Issue, Result},
    security_log::{self, Event, Kind},
};

use crate::{Ctx, catalog::Field, permission};

/// Most roles of one organisation.
pub const MOST: u64 = 100;
/// The role of the owner.
pub const OWNER: &str = "owner";

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Stable id.
    pub id: RoleId,
    /// API name.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// Whether it is one of the roles that every organisation has; they keep their names.
    pub seeded: bool,
    /// What it allows; `None` for everything.
    pub grants: Option<Grants>,
}

/// The input for a role. Missing values do not change, or are empty in a new role.
#[derive(Clone, Debug, Default)]
pub struct RolePatch {
    pub name: Option<String>,
    pub label: Option<String>,
    pub permissions: Option<BTreeSet<Permission>>,
    pub others: Option<ObjectGrant>,
    pub objects: Option<BTreeMap<ObjectId, ObjectGrant>>,
}

impl Role {
    fn of(row: roles::Model) -> Result<Self> {
        let grants = access::grants_of(&row)?;
        Ok(Self { id: row.id, name: row.name, label: row.label, seeded: row.seeded, grants })
    }

    /// What it allows, apart from teams.
    pub fn access(&self) -> Access {
        self.grants.clone().map_or(Access::All, Access::of)
    }
}

/// All roles, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Role>> {
    let rows = roles::Entity::find().order_by_asc(roles::Column::Name).all(&ctx.db).await?;
    rows.into_iter().map(Role::of).collect()
}

/// A role by its name.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn by_name(ctx: &Ctx, name: &str) -> Result<Role> {
    let row = roles::Entity::find().filter(roles::Column::Name.eq(name)).one(&ctx.db).await?;
    let missing = || Error::new(Code::NotFound, format!("There is no role `{name}`; `roles` lists them."));
    Role::of(row.ok_or_else(missing)?)
}

/// A role by its id.
///
/// # Errors
/// When the database does not answer.
pub async fn by_id(ctx: &Ctx, id: RoleId) -> Result<Option<Role>> {
    roles::Entity::find_by_id(id).one(&ctx.db).await?.map(Role::of).transpose()
}

/// The caller's own role; `None` for the system.
///
/// # Errors
/// When the database does not answer.
pub async fn own(ctx: &Ctx) -> Result<Option<Role>> {
    match access::role_of(&ctx.db, ctx.caller.actor).await? {
        Some(id) => by_id(ctx, id).await,
        None => Ok(None),
    }
}

/// Creates a role.
///
/// # Errors
/// `FORBIDDEN` for a role that allows more than the caller's; `NAME_TAKEN`; `VALIDATION_FAILED`; `QUOTA_EXCEEDED`.
pub async fn create(ctx: &Ctx, patch: RolePatch) -> Result<Role> {
    ctx.caller.demand(Permission::ManageRoles)?;
    let (ctx, tx) = ctx.begin_write().await?;
    if roles::Entity::find().count(&tx).await? >= MOST {
        return Err(Error::new(Code::QuotaExceeded, format!("An organisation can have at most {MOST} roles.")));
    }
    let role = Role {
        id: RoleId::new(),
        name: String::new(),
        label: String::new(),
        seeded: false,
        grants: Some(Grants::default()),
    };
    let role = patched(&ctx, role, patch)?;
    let row = roles::Model {
        id: role.id,
        name: role.name.clone(),
        label: role.label.clone(),
        access: stored(&role)?,
        seeded: false,
    };
    let inserted = roles::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await;
    inserted.map_err(|error| taken(error, &role.name))?;
    log(&ctx, &role, "created").await?;
    tx.commit().await?;
    Ok(role)
}

/// Changes a role; it takes effect within a second for everybody who has it.
///
/// # Errors
/// As [`create`]; `NOT_FOUND`; `CONFLICT` for a role that allows everything, which cannot be changed.
pub async fn update(ctx: &Ctx, name: &str, patch: RolePatch) -> Result<Role> {
    ctx.caller.demand(Permission::ManageRoles)?;
    let (ctx, tx) = ctx.begin_write().await?;
    let role = by_name(&ctx, name).await?;
    if role.grants.is_none() {
        return Err(Error::new(
            Code::Conflict,
            format!("The role `{name}` allows everything, and this cannot be changed."),
        ));
    }
    within_own(&ctx, &role)?;
    let seeded = role.seeded;
    let role = patched(&ctx, role, patch)?;
    if seeded && role.name != name {
        return Err(Error::new(
            Code::Conflict,
            format!("The role `{name}` cannot be renamed; its label can be changed."),
        ));
    }
    let row = roles::ActiveModel {
        id: Set(role.id),
        name: Set(role.name.clone()),
        label: Set(role.label.clone()),
        access: Set(stored(&role)?),
        ..Default::default()
    };
    row.update(&tx).await.map_err(|error| taken(error, &role.name))?;
    log(&ctx, &role, "changed").await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(role)
}

/// Deletes a role that nobody has.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND`; `CONFLICT` while a member or a key has it, or for a standard role.
pub async fn delete(ctx: &Ctx, name: &str) -> Result<()> {
    ctx.caller.demand(Permission::ManageRoles)?;
    let (ctx, tx) = ctx.begin_write().await?;
    let role = by_name(&ctx, name).await?;
    if role.seeded {
        return Err(Error::new(
            Code::Conflict,
            format!("Every organisation has the role `{name}`; it cannot be deleted."),
        ));
    }
    within_own(&ctx, &role)?;
    let members = members::Entity::find().filter(members::Column::RoleId.eq(role.id)).count(&tx).await?;
    let keys = api_keys::Entity::find().filter(api_keys::Column::RoleId.eq(role.id));
    let keys = keys.filter(api_keys::Column::RevokedAt.is_null()).count(&tx).await?;
    if members + keys > 0 {
        let message = format!("{members} members and {keys} keys have the role `{name}`; give them another one first.");
        return Err(Error::new(Code::Conflict, message));
    }
    roles::Entity::delete_by_id(role.id).exec(&tx).await?;
    log(&ctx, &role, "deleted").await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn log(ctx: &Ctx, role: &Role, what: &str) -> Result<()> {
    let event = Event::of(&ctx.caller, Kind::RoleChanged).with("role", role.name.clone()).with("what", what);
    security_log::note(&ctx.db, event, ctx.caller.clock.micros()).await
}

/// Refuses to change, or to give to somebody, a role that allows more than the caller's own.
///
/// # Errors
/// `FORBIDDEN`.
pub fn within_own(ctx: &Ctx, role: &Role) -> Result<()> {
    let access = role.access();
    let more = |what: &str| {
        let message = format!("The role `{}` allows more than your own role{what}.", role.name);
        Err(Error::new(Code::Forbidden, message))
    };
    if !ctx.caller.access.covers(&access) {
        return more("");
    }
    // entries alone are not enough: a field that is derived from a hidden field is hidden too, unless an entry shows it
    let fields = ctx.catalog.objects.iter().flat_map(|object| object.fields.iter().map(move |field| (object, field)));
    let shown = |field: &Field| permission::access_on(ctx, &access, field) > permission::field_access(ctx, field);
    match fields.into_iter().find(|(_, field)| field.usable() && shown(field)) {
        None => Ok(()),
        Some((object, field)) => more(&format!(": `{}` of {}", field.name, object.name)),
    }
}

fn patched(ctx: &Ctx, mut role: Role, patch: RolePatch) -> Result<Role> {
    role.name = patch.name.unwrap_or(role.name);
    role.label = patch.label.map(|label| label.trim().to_owned()).unwrap_or(role.label);
    if role.label.is_empty() {
        role.label.clone_from(&role.name);
    }
    let mut grants = role.grants.take().unwrap_or_default();
    grants.permissions = patch.permissions.unwrap_or(grants.permissions);
    grants.others = patch.others.unwrap_or(grants.others);
    grants.objects = patch.objects.unwrap_or(grants.objects);
    role.grants = Some(grants);
    let mut issues = Vec::new();
    let mut issue = |field: &str, issue| issues.push(FieldIssue { field: field.to_owned(), issue });
    if !is_name(&role.name) {
        issue(
            "name",
            Issue::Rule("A name must have 1 to 40 of a-z, A-Z, 0-9 and _, and begin with a small letter.".into()),
        );
    }
    if role.label.chars().count() > 100 {
        issue("label", Issue::TooLong("100".to_owned()));
    }
    if issues.is_empty() { within_own(ctx, &role).map(|()| role) } else { Err(Error::invalid(issues)) }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=40).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
}

fn stored(role: &Role) -> Result<String> {
    match &role.grants {
        None => Ok(access::ALL.to_owned()),
        Some(grants) => serde_json::to_string(grants).map_err(Error::internal),
    }
}

fn taken(error: sea_orm::DbErr, name: &str) -> Error {
    match violation(&error) {
        Some(_) => Error::new(Code::NameTaken, format!("There is already a role `{name}`.")),
        None => error.into(),
    }
}
