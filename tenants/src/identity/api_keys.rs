//! Keys of programs: `clt_<prefix>_<secret>`. The prefix finds the organisation, a hash proves the rest.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{
    control::api_key_prefixes,
    ids::{ApiKeyId, TenantId},
    tenant::{api_keys, roles},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Identity;
use crate::{
    caller::Actor,
    db::TenantDb,
    error::{Code, Error, FieldIssue, Issue, Result},
    keys,
};

/// What every key begins with, so that leaked ones are found by scanners.
const MARK: &str = "clt_";

/// A key as it is shown, once.
#[derive(Clone)]
pub struct IssuedKey {
    pub id: ApiKeyId,
    /// The whole key; it is kept nowhere.
    pub key: String,
}

impl Identity {
    /// A new key with a role.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown role, `VALIDATION_FAILED` for a name that is empty or too long.
    pub async fn create_api_key(&self, tenant: TenantId, name: &str, role: &str, creator: Actor) -> Result<IssuedKey> {
        if name.trim().is_empty() || name.chars().count() > 200 {
            let issue = Issue::WrongType("1 to 200 characters".into());
            return Err(Error::invalid(vec![FieldIssue { field: "name".to_owned(), issue }]));
        }
        let db = self.registry.space(tenant).await?;
        let role = roles::Entity::find().filter(roles::Column::Name.eq(role)).one(&db).await?.ok_or_else(|| {
            Error::new(Code::NotFound, format!("There is no role `{role}`; the roles are owner and admin."))
        })?;
        let prefix: String = keys::random::<6>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{MARK}{prefix}_{}", BASE64_URL_SAFE_NO_PAD.encode(keys::random::<32>()?));
        let row = api_keys::Model {
            id: ApiKeyId::new(),
            name: name.to_owned(),
            prefix: prefix.clone(),
            hash: Sha256::digest(key.as_bytes()).to_vec(),
            role_id: role.id,
            created_at: self.registry.clock().micros(),
            created_by: creator.stored(),
            revoked_at: None,
            scopes: None,
            addresses: None,
            points_per_second: None,
            expires_at: None,
            used_at: None,
            used_from: None,
            renewed_at: None,
            old_hash: None,
            old_until: None,
        };
        let pointer =
            api_key_prefixes::ActiveModel { prefix: Set(prefix), tenant_id: Set(tenant), key_id: Set(row.id) };
        let id = row.id;
        api_keys::Entity::insert(row.into_active_model()).exec_without_returning(&db).await?;
        api_key_prefixes::Entity::insert(pointer).exec_without_returning(self.registry.control().write()).await?;
        Ok(IssuedKey { id, key })
    }

    /// The organisation and the row of a key; nothing if it is not one of ours or revoked.
    pub(super) async fn find_api_key(&self, key: &str) -> Result<Option<(TenantId, api_keys::Model)>> {
        let Some((prefix, _)) = key.strip_prefix(MARK).and_then(|rest| rest.split_once('_')) else { return Ok(None) };
        let pointer = api_key_prefixes::Entity::find_by_id(prefix).one(self.registry.control().read()).await?;
        let Some(pointer) = pointer else { return Ok(None) };
        let db = self.registry.space(pointer.tenant_id).await?;
        let row = api_keys::Entity::find_by_id(pointer.key_id).one(&db).await?;
        let hash = Sha256::digest(key.as_bytes());
        Ok(row
            .filter(|row| row.revoked_at.is_none() && bool::from(row.hash.as_slice().ct_eq(hash.as_slice())))
            .map(|row| (pointer.tenant_id, row)))
    }
}

/// Names of an organisation's keys, revoked ones too: history goes on naming them.
///
/// # Errors
/// When the database does not answer.
pub async fn key_names(db: &TenantDb, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, String>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = api_keys::Entity::find().filter(api_keys::Column::Id.is_in(keys.iter().copied())).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Whether a bearer credential has the form of an API key.
pub(super) fn looks_like_key(bearer: &str) -> bool {
    bearer.starts_with(MARK)
}
