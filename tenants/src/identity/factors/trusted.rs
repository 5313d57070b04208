//! Trusted devices: for 30 days they are not asked for a code. A device is recognised by the token that it got when it
//! became known. Changing the password ends all trust.

use entities::{
    control::{trusted_devices, users},
    ids::{TrustedDeviceId, UserId},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::Expr};
use sha2::{Digest, Sha256};

use super::{
    super::{ClientInfo, Device, agents},
    Identity,
};
use crate::error::{Code, Error, Result};

/// How long a device is trusted, microseconds.
const LIFE: i64 = 30 * 24 * 3600 * 1_000_000;

/// A device that a person trusts.
#[derive(Clone, Debug)]
pub struct TrustedDevice {
    pub id: TrustedDeviceId,
    /// `Firefox on Linux`.
    pub device: String,
    /// Network address from which it was trusted.
    pub address: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub used_at: i64,
    /// Microseconds UTC.
    pub expires_at: i64,
}

impl Identity {
    /// The devices that a person trusts, last used first.
    pub(super) async fn trusted_devices(&self, user: UserId) -> Result<Vec<TrustedDevice>> {
        let now = self.registry.clock().micros();
        let rows = trusted_devices::Entity::find()
            .filter(trusted_devices::Column::UserId.eq(user))
            .filter(trusted_devices::Column::ExpiresAt.gt(now))
            .order_by_desc(trusted_devices::Column::UsedAt)
            .all(self.registry.control().read())
            .await?;
        let shown = |row: trusted_devices::Model| TrustedDevice {
            id: row.id,
            device: agents::device(&row.agent),
            address: row.address,
            created_at: row.created_at,
            used_at: row.used_at,
            expires_at: row.expires_at,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Stops trusting a device.
    ///
    /// # Errors
    /// `NOT_FOUND` if the person does not trust such a device.
    pub async fn forget_device(&self, user: UserId, id: TrustedDeviceId) -> Result<()> {
        let gone = trusted_devices::Entity::delete_many()
            .filter(trusted_devices::Column::Id.eq(id))
            .filter(trusted_devices::Column::UserId.eq(user))
            .exec(self.registry.control().write())
            .await?;
        if gone.rows_affected == 1 { Ok(()) } else { Err(Error::new(Code::NotFound, "There is no such device.")) }
    }

    /// Whether a request comes from a device that the person trusts.
    pub(super) async fn is_trusted(&self, user: &users::Model, client: &ClientInfo) -> Result<bool> {
        let Some(device) = client.known_device(&user.email_key, Some(user)) else {
            return Ok(false);
        };
        let now = self.registry.clock().micros();
        let used = trusted_devices::Entity::update_many()
            .col_expr(trusted_devices::Column::UsedAt, Expr::value(now))
            .filter(trusted_devices::Column::UserId.eq(user.id))
            .filter(trusted_devices::Column::DeviceHash.eq(hash(device)))
            .filter(trusted_devices::Column::ExpiresAt.gt(now));
        Ok(used.exec(self.registry.control().write()).await?.rows_affected > 0)
    }

    /// Trusts the device of a request. Returns a token that makes it known, if it was not known before.
    pub(super) async fn trust(&self, user: &users::Model, client: &ClientInfo) -> Result<Option<String>> {
        let known = client.known_device(&user.email_key, Some(user)).cloned();
        let (device, token) = match known {
            Some(device) => (device, None),
            None => {
                let token = self.device_token(&user.email_key)?;
                let device = self.device(&token).ok_or_else(|| Error::internal("a new device is not known"))?;
                (device, Some(token))
            }
        };
        let now = self.registry.clock().micros();
        let row = trusted_devices::Model {
            id: TrustedDeviceId::new(),
            user_id: user.id,
            device_hash: hash(&device),
            agent: client.agent.clone(),
            address: client.address.to_string(),
            created_at: now,
            used_at: now,
            expires_at: now + LIFE,
        };
        let tx = self.registry.control().begin().await?;
        // the same device again, and expired entries
        let over = sea_orm::Condition::any()
            .add(trusted_devices::Column::DeviceHash.eq(row.device_hash.clone()))
            .add(trusted_devices::Column::ExpiresAt.lte(now));
        let old = trusted_devices::Entity::delete_many().filter(trusted_devices::Column::UserId.eq(user.id));
        old.filter(over).exec(&tx).await?;
        trusted_devices::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(token)
    }
}

fn hash(device: &Device) -> Vec<u8> {
    Sha256::digest(device.id()).to_vec()
}
