//! API keys: `clt_<prefix>_<secret>`. The prefix finds the organisation; the secret is checked against a hash. A key
//! acts with a role, optionally narrowed to scopes. It may have an expiry, a list of allowed addresses and a budget.

mod find;
mod networks;
mod scopes;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{
    control::api_key_prefixes,
    ids::{ApiKeyId, RoleId},
    tenant::{api_keys, roles},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionSession,
};
use sha2::{Digest, Sha256};

pub(crate) use find::{find, looks_like_key};
pub use networks::Networks;
pub use scopes::Scopes;

use crate::{
    access::{self, Access, Permission},
    caller::{Actor, Caller},
    db::TenantDb,
    error::{Code, Error, FieldIssue, Issue, Result},
    keys,
    security_log::{self, Event, Kind},
};

/// Every key starts with this, so that secret scanners find leaked keys.
const MARK: &str = "clt_";
/// Most keys of an organisation, without revoked ones.
const MOST: u64 = 500;
/// Longest name, in characters.
const NAME: usize = 200;
/// For how many microseconds the old secret of a renewed key may stay valid.
const OVERLAP: i64 = 7 * 24 * 3600 * 1_000_000;
/// Largest budget, in points per second.
const POINTS: std::ops::RangeInclusive<i64> = 1..=1_000_000_000;

/// A new key. It is shown once.
#[derive(Clone)]
pub struct IssuedKey {
    pub id: ApiKeyId,
    /// The whole key. It is not stored.
    pub key: String,
}

/// The input for a new key.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// Name of its role; by default the role of whoever creates it.
    pub role: Option<String>,
    /// Scopes that narrow the role.
    pub scopes: Option<Scopes>,
    /// Allowed addresses and networks; empty allows all.
    pub addresses: Vec<String>,
    /// Expiry, microseconds UTC.
    pub expires_at: Option<i64>,
    /// A budget for this key alone.
    pub points_per_second: Option<i64>,
}

/// Creates a key.
///
/// # Errors
/// `FORBIDDEN` if the key would allow more than its creator may do, or if the creator is a restricted key;
/// `VALIDATION_FAILED`; `NOT_FOUND` for an unknown role; `QUOTA_EXCEEDED`.
pub async fn create(db: &TenantDb, caller: &Caller, new: NewKey) -> Result<IssuedKey> {
    caller.demand(Permission::ManageApiKeys)?;
    let now = caller.clock.micros();
    let networks = check(&new, now)?;
    let role_id = role(db, caller.actor, new.role.as_deref()).await?;
    let scopes = new.scopes.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    let prefix: String = keys::random::<6>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let (key, hash) = secret(&prefix)?;
    let row = api_keys::Model {
        id: ApiKeyId::new(),
        name: new.name.trim().to_owned(),
        prefix: prefix.clone(),
        hash,
        role_id,
        created_at: now,
        created_by: caller.actor.stored(),
        revoked_at: None,
        scopes,
        addresses: networks.stored(),
        points_per_second: new.points_per_second,
        expires_at: new.expires_at,
        used_at: None,
        used_from: None,
        renewed_at: None,
        old_hash: None,
        old_until: None,
    };
    covered(db, caller, &row).await?;
    let live = api_keys::Entity::find().filter(api_keys::Column::RevokedAt.is_null()).count(db).await?;
    if live >= MOST {
        return Err(Error::new(Code::QuotaExceeded, format!("There are already {MOST} keys. Revoke one first.")));
    }
    let id = row.id;
    // first, because a prefix without its key opens nothing, while a key without its prefix would be listed and not work
    let pointer = api_key_prefixes::ActiveModel { prefix: Set(prefix), tenant_id: Set(db.tenant()), key_id: Set(id) };
    api_key_prefixes::Entity::insert(pointer).exec_without_returning(db.control().write()).await?;
    let tx = db.begin_write().await?;
    let event = audit_event(caller, Kind::KeyCreated, &row);
    api_keys::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
    security_log::note(&tx, event, now).await?;
    tx.commit().await?;
    Ok(IssuedKey { id, key })
}

/// Lists keys, newest first: `first` of them after `after`. Revoked keys are included on request.
///
/// # Errors
/// `FORBIDDEN`; `BAD_CURSOR` if `after` is not a key of the organisation.
pub async fn list(
    db: &TenantDb,
    caller: &Caller,
    first: u64,
    after: Option<ApiKeyId>,
    revoked: bool,
) -> Result<Vec<api_keys::Model>> {
    caller.demand(Permission::ManageApiKeys)?;
    let mut query = api_keys::Entity::find().order_by_desc(api_keys::Column::Id).limit(first);
    if let Some(after) = after {
        if api_keys::Entity::find_by_id(after).one(db).await?.is_none() {
            return Err(Error::of(Code::BadCursor));
        }
        query = query.filter(api_keys::Column::Id.lt(after));
    }
    if !revoked {
        query = query.filter(api_keys::Column::RevokedAt.is_null());
    }
    Ok(query.all(db).await?)
}

/// One key.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn load(db: &TenantDb, caller: &Caller, id: ApiKeyId) -> Result<api_keys::Model> {
    caller.demand(Permission::ManageApiKeys)?;
    let row = api_keys::Entity::find_by_id(id).one(db).await?;
    row.ok_or_else(|| Error::new(Code::NotFound, "There is no such key."))
}

/// Gives a key a new secret. The old secret stays valid for `overlap` microseconds, so that programs can be changed one
/// by one. `expires_at` sets a new expiry.
///
/// # Errors
/// `FORBIDDEN` if the key allows more than the caller may do, or if the caller is a restricted key; `NOT_FOUND`;
/// `CONFLICT` if the key is revoked or somebody else is renewing it; `VALIDATION_FAILED`.
pub async fn renew(
    db: &TenantDb,
    caller: &Caller,
    id: ApiKeyId,
    overlap: i64,
    expires_at: Option<i64>,
) -> Result<IssuedKey> {
    let row = load(db, caller, id).await?;
    covered(db, caller, &row).await?;
    let now = caller.clock.micros();
    if row.revoked_at.is_some() {
        return Err(Error::new(Code::Conflict, "The key is revoked. Create a new one."));
    }
    let mut issues = Vec::new();
    if !(0..=OVERLAP).contains(&overlap) {
        issues.push(issue("overlapSeconds", "0 to 604800 seconds, which are 7 days"));
    }
    if expires_at.or(row.expires_at).is_some_and(|end| end <= now) {
        issues.push(issue("expiresAt", "an instant to come"));
    }
    if !issues.is_empty() {
        return Err(Error::invalid(issues));
    }
    let (key, hash) = secret(&row.prefix)?;
    let changed = api_keys::ActiveModel {
        hash: Set(hash),
        old_hash: Set((overlap > 0).then(|| row.hash.clone())),
        old_until: Set((overlap > 0).then_some(now + overlap)),
        renewed_at: Set(Some(now)),
        expires_at: Set(expires_at.or(row.expires_at)),
        ..Default::default()
    };
    let tx = db.begin_write().await?;
    let update = api_keys::Entity::update_many()
        .set(changed)
        .filter(api_keys::Column::Id.eq(id))
        .filter(api_keys::Column::RevokedAt.is_null())
        .filter(api_keys::Column::Hash.eq(row.hash.clone()));
    if update.exec(&tx).await?.rows_affected != 1 {
        return Err(Error::new(Code::Conflict, "Somebody else has just renewed or revoked this key."));
    }
    security_log::note(&tx, audit_event(caller, Kind::KeyRenewed, &row), now).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(IssuedKey { id, key })
}

/// Revokes a key, including its old secret. Every node refuses it within a second.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`.
pub async fn revoke(db: &TenantDb, caller: &Caller, id: ApiKeyId) -> Result<()> {
    let row = load(db, caller, id).await?;
    if row.revoked_at.is_some() {
        return Ok(());
    }
    let now = caller.clock.micros();
    let tx = db.begin_write().await?;
    let changed = api_keys::ActiveModel { revoked_at: Set(Some(now)), ..Default::default() };
    api_keys::Entity::update_many().set(changed).filter(api_keys::Column::Id.eq(id)).exec(&tx).await?;
    security_log::note(&tx, audit_event(caller, Kind::KeyRevoked, &row), now).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// What a key may do: its role, narrowed by its scopes.
///
/// # Errors
/// If the database does not answer.
pub async fn access(db: &TenantDb, key: &api_keys::Model) -> Result<Access> {
    let access = access::of_role(db, key.role_id, None).await?;
    match &key.scopes {
        None => Ok(access),
        Some(scopes) => {
            let scopes: Scopes = serde_json::from_str(scopes).map_err(Error::internal)?;
            Ok(scopes.narrow(&access))
        }
    }
}

/// Names of the organisation's keys, including revoked ones, because history still names them.
///
/// # Errors
/// If the database does not answer.
pub async fn names(db: &TenantDb, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, String>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = api_keys::Entity::find().filter(api_keys::Column::Id.is_in(keys.iter().copied())).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Names of the organisation's roles.
///
/// # Errors
/// If the database does not answer.
pub async fn role_names(db: &TenantDb) -> Result<HashMap<RoleId, String>> {
    Ok(roles::Entity::find().all(db).await?.into_iter().map(|role| (role.id, role.name)).collect())
}

/// Refuses to hand out more than the caller has. A restricted key may not create keys: they would be less restricted.
async fn covered(db: &TenantDb, caller: &Caller, key: &api_keys::Model) -> Result<()> {
    if let Actor::ApiKey(id) = caller.actor
        && let Some(own) = api_keys::Entity::find_by_id(id).one(db).await?
        && (own.addresses.is_some() || own.expires_at.is_some() || own.points_per_second.is_some())
    {
        let why =
            "An API key with an address list, an expiry or a budget cannot create or renew keys. Let a member do it.";
        return Err(Error::new(Code::Forbidden, why));
    }
    if caller.access.covers(&access(db, key).await?) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "The key would allow more than you may do. Give it a smaller role, or scopes."))
}

async fn role(db: &TenantDb, maker: Actor, name: Option<&str>) -> Result<RoleId> {
    if let Some(name) = name {
        let role = roles::Entity::find().filter(roles::Column::Name.eq(name)).one(db).await?;
        return role.map(|role| role.id).ok_or_else(|| unknown_role(name));
    }
    access::role_of(db, maker)
        .await?
        .ok_or_else(|| Error::invalid(vec![FieldIssue { field: "role".to_owned(), issue: Issue::Required }]))
}

fn unknown_role(name: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no role `{name}`; `roles` lists those there are."))
}

fn check(new: &NewKey, now: i64) -> Result<Networks> {
    let mut issues = Vec::new();
    if new.name.trim().is_empty() || new.name.chars().count() > NAME {
        issues.push(issue("name", "1 to 200 characters"));
    }
    if new.expires_at.is_some_and(|end| end <= now) {
        issues.push(issue("expiresAt", "an instant to come"));
    }
    if new.points_per_second.is_some_and(|points| !POINTS.contains(&points)) {
        issues.push(issue("pointsPerSecond", "1 to 1000000000 points"));
    }
    let networks = Networks::parse(&new.addresses).unwrap_or_else(|issue| {
        issues.push(issue);
        Networks::default()
    });
    if issues.is_empty() { Ok(networks) } else { Err(Error::invalid(issues)) }
}

fn issue(field: &str, wanted: &'static str) -> FieldIssue {
    FieldIssue { field: field.to_owned(), issue: Issue::WrongType(wanted.into()) }
}

/// A new key with this prefix, and the hash of its secret.
fn secret(prefix: &str) -> Result<(String, Vec<u8>)> {
    let key = format!("{MARK}{prefix}_{}", BASE64_URL_SAFE_NO_PAD.encode(keys::random::<32>()?));
    let hash = Sha256::digest(key.as_bytes()).to_vec();
    Ok((key, hash))
}

fn audit_event(caller: &Caller, kind: Kind, key: &api_keys::Model) -> Event {
    Event::of(caller, kind).with("key", key.id.to_string()).with("name", key.name.as_str())
}
