//! Recognises an API key, and records when and from which address it was used.

use std::sync::Arc;

use entities::{
    control::api_key_prefixes,
    ids::TenantId,
    tenant::{api_key_addresses, api_keys},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::{MARK, Networks};
use crate::{
    caller::Actor,
    db::TenantDb,
    error::{Code, Error, Result},
    identity::ClientInfo,
    registry::Registry,
    security_log::{self, Event, Kind},
};

/// Microseconds between two updates of a key's last use.
const EVERY: i64 = 60_000_000;
/// How many addresses are remembered for a key.
const ADDRESSES: u64 = 1_000;

/// A key that is valid now and from this address.
pub(crate) struct Found {
    pub tenant: TenantId,
    pub db: TenantDb,
    pub row: api_keys::Model,
    /// When the presented secret expires, microseconds UTC.
    pub until: Option<i64>,
}

/// Whether a bearer credential looks like an API key.
pub(crate) fn looks_like_key(bearer: &str) -> bool {
    bearer.starts_with(MARK)
}

/// The key behind a bearer credential. `None` if it is unknown, revoked or expired.
pub(crate) async fn find(registry: &Registry, key: &str) -> Result<Option<Found>> {
    let Some((prefix, _)) = key.strip_prefix(MARK).and_then(|rest| rest.split_once('_')) else { return Ok(None) };
    let pointer = api_key_prefixes::Entity::find_by_id(prefix).one(registry.control().read()).await?;
    let Some(pointer) = pointer else { return Ok(None) };
    let db = registry.space(pointer.tenant_id).await?;
    let Some(row) = api_keys::Entity::find_by_id(pointer.key_id).one(&db).await? else { return Ok(None) };
    let (hash, now) = (Sha256::digest(key.as_bytes()), registry.clock().micros());
    let same = |known: &[u8]| bool::from(known.ct_eq(hash.as_slice()));
    let renewed = same(&row.hash);
    let old = row.old_hash.as_deref().is_some_and(same);
    let ends = [row.expires_at, row.old_until.filter(|_| !renewed)];
    let until = ends.into_iter().flatten().min();
    let opens = (renewed || old) && row.revoked_at.is_none() && until.is_none_or(|until| until > now);
    Ok(opens.then(|| Found { tenant: pointer.tenant_id, db, row, until }))
}

impl Found {
    /// Refuses an address that the key does not allow, and records the use in the background.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) fn used(&self, client: &ClientInfo, now: i64, telling: &Arc<Semaphore>) -> Result<()> {
        let allowed = Networks::from_stored(self.row.addresses.as_deref()).allow(client.address);
        let known = self.row.used_from.as_deref() == Some(&client.address.to_string());
        let fresh = self.row.used_at.is_some_and(|used| now - used < EVERY);
        // too many uses are being recorded already: skip this one
        if let Some(permit) = Arc::clone(telling).try_acquire_owned().ok().filter(|_| !(allowed && known && fresh)) {
            let (db, row, client) = (self.db.clone(), self.row.clone(), client.clone());
            tokio::spawn(async move {
                let noted =
                    if allowed { remember(&db, &row, &client, now).await } else { tell(&db, &row, &client, now).await };
                if let Err(error) = noted {
                    tracing::warn!(error = error.log_line(), "the use of an API key was not recorded");
                }
                drop(permit);
            });
        }
        if allowed { Ok(()) } else { Err(Error::new(Code::Forbidden, "The key may not be used from this address.")) }
    }
}

async fn tell(db: &TenantDb, key: &api_keys::Model, client: &ClientInfo, now: i64) -> Result<()> {
    let event = Event::new(Kind::KeyRefused).by(Actor::ApiKey(key.id)).from(client).with("name", key.name.as_str());
    security_log::note(db, event, now).await
}

async fn remember(db: &TenantDb, key: &api_keys::Model, client: &ClientInfo, now: i64) -> Result<()> {
    let address = client.address.to_string();
    let due = Condition::any().add(api_keys::Column::UsedAt.is_null()).add(api_keys::Column::UsedAt.lte(now - EVERY));
    let changed =
        api_keys::ActiveModel { used_at: Set(Some(now)), used_from: Set(Some(address.clone())), ..Default::default() };
    api_keys::Entity::update_many().set(changed).filter(api_keys::Column::Id.eq(key.id)).filter(due).exec(db).await?;
    if api_key_addresses::Entity::find_by_id((key.id, address.clone())).one(db).await?.is_some() {
        return Ok(());
    }
    let row = api_key_addresses::ActiveModel { key_id: Set(key.id), address: Set(address), first_at: Set(now) };
    let insert = api_key_addresses::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    match insert.exec_without_returning(db).await {
        Ok(0) | Err(sea_orm::DbErr::RecordNotInserted) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let event = Event::new(Kind::KeyNewAddress).by(Actor::ApiKey(key.id)).from(client).with("name", key.name.as_str());
    security_log::note(db, event, now).await?;
    forget_oldest(db, key).await
}

/// Drops the oldest addresses beyond the limit.
async fn forget_oldest(db: &TenantDb, key: &api_keys::Model) -> Result<()> {
    let of_key = || api_key_addresses::Entity::find().filter(api_key_addresses::Column::KeyId.eq(key.id));
    if of_key().count(db).await? > ADDRESSES
        && let Some(oldest) = of_key().order_by_asc(api_key_addresses::Column::FirstAt).one(db).await?
    {
        api_key_addresses::Entity::delete_by_id((key.id, oldest.address)).exec(db).await?;
    }
    Ok(())
}
