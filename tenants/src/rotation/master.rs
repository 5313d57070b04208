//! Rotates the master key. The new key is put before the others in their file, where every process finds it, and then
//! wraps what the older ones wrapped. Old keys stay in the file, for tokens and backups, until they are retired.

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use entities::control::{data_keys, key_checks, tenants};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::columns::COLUMNS;
use crate::{
    Registry,
    control::CHECK,
    error::{Code, Error, Result},
    keys::{self, KeyId, MasterKeys, key_of, rewrap_control_key},
    registry::open::held,
};

/// Tenants whose keys are rewrapped in one transaction.
const BATCH: usize = 200;
/// How long access tokens signed with an older key are accepted.
const TOKENS: Duration = Duration::from_secs(15 * 60);

/// The result of a rotation.
#[derive(Clone, Debug)]
pub struct MasterRotation {
    /// The key that everything uses now.
    pub key: KeyId,
    /// Number of keys rewrapped and values resealed.
    pub changed: u64,
}

impl Registry {
    /// Moves everything to a new master key. An interrupted rotation is continued, also one for which the operator
    /// added the new key.
    ///
    /// # Errors
    /// `BAD_REQUEST` if the keys are configured and none of them is new; `CONFLICT` while another process does it, and
    /// if there are 16 keys already.
    pub async fn rotate_master(&self) -> Result<MasterRotation> {
        let master = self.master();
        let _alone = self.alone()?;
        if self.control().is_under(master).await? {
            let path = master.file().ok_or_else(|| {
                Error::new(
                    Code::BadRequest,
                    "The master key is set in the configuration. Put a new one before it (`new,old`), restart all processes, then rotate.",
                )
            })?;
            keys::add(path)?;
        }
        let mut changed = 0;
        // values that others commit under the old key during this round are found by the next
        loop {
            let round = self.rewrap_all(master).await?;
            changed += round;
            if round == 0 {
                break;
            }
        }
        let sealed = master.seal(CHECK, b"clientele")?;
        key_checks::Entity::update_many()
            .col_expr(key_checks::Column::Sealed, Expr::value(sealed))
            .filter(key_checks::Column::Name.eq(CHECK))
            .exec(self.control().write())
            .await?;
        Ok(MasterRotation { key: master.newest().id(), changed })
    }

    /// Removes the older master keys from their file. Returns how many there were.
    ///
    /// # Errors
    /// `CONFLICT` while something, or an access token, may still use one of them; `BAD_REQUEST` if the keys are
    /// configured.
    pub async fn retire_master(&self) -> Result<usize> {
        let master = self.master();
        let _alone = self.alone()?;
        let path = master.file().ok_or_else(|| {
            Error::new(
                Code::BadRequest,
                "The master keys are set in the configuration. Remove the old ones there, then restart.",
            )
        })?;
        let left = self.left(master).await?;
        if left > 0 || !self.control().is_under(master).await? {
            let message =
                format!("{left} keys and values still use an older master key. Run `keys rotate --master` first.");
            return Err(Error::new(Code::Conflict, message));
        }
        let changed = fs::metadata(path).and_then(|about| about.modified()).map_err(Error::internal)?;
        if SystemTime::now().duration_since(changed).is_ok_and(|age| age < TOKENS) {
            let message = "Access tokens signed with the old key are valid for up to 15 minutes. Retire it after that.";
            return Err(Error::new(Code::Conflict, message));
        }
        let old = master.keys().len() - 1;
        if old > 0 {
            keys::keep_newest(path)?;
        }
        Ok(old)
    }

    /// Only one process on this machine may change the keys at a time.
    pub(super) fn alone(&self) -> Result<File> {
        let path = self.data().join("keys.lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::internal)?;
        let busy = || Error::new(Code::Conflict, "Another process is changing the keys; try again when it is done.");
        file.try_lock().map_err(|_| busy())?;
        Ok(file)
    }

    async fn rewrap_all(&self, master: &MasterKeys) -> Result<u64> {
        let mut changed = u64::from(rewrap_control_key(self.data(), master)?);
        changed += self.rewrap_data_keys(master).await?;
        for column in COLUMNS {
            changed += column.reseal(self.control(), master).await?;
        }
        Ok(changed)
    }

    async fn rewrap_data_keys(&self, master: &MasterKeys) -> Result<u64> {
        let newest = master.newest().id();
        let ids = tenants::Entity::find().select_only().column(tenants::Column::Id);
        let ids: Vec<uuid::Uuid> = ids.into_tuple().all(self.control().read()).await?;
        let mut changed = 0;
        for ids in ids.chunks(BATCH) {
            let tx = self.control().begin().await?;
            let rows = data_keys::Entity::find().filter(data_keys::Column::TenantId.is_in(ids.iter().copied()));
            for row in rows.all(&tx).await?.into_iter().filter(|row| key_of(&row.wrapped) != Some(newest)) {
                let wrapped = master.rewrap(row.tenant_id, &held(row.clone())?)?.wrapped;
                data_keys::Entity::update_many()
                    .col_expr(data_keys::Column::Wrapped, Expr::value(wrapped))
                    .filter(data_keys::Column::TenantId.eq(row.tenant_id))
                    .filter(data_keys::Column::Purpose.eq(row.purpose))
                    .filter(data_keys::Column::Id.eq(row.id))
                    .exec(&tx)
                    .await?;
                changed += 1;
            }
            tx.commit().await?;
        }
        Ok(changed)
    }

    async fn left(&self, master: &MasterKeys) -> Result<u64> {
        let newest = Some(master.newest().id());
        let wrapped = data_keys::Entity::find().select_only().column(data_keys::Column::Wrapped);
        let wrapped: Vec<Vec<u8>> = wrapped.into_tuple().all(self.control().read()).await?;
        let mut left = wrapped.iter().filter(|wrapped| key_of(wrapped) != newest).count() as u64;
        for column in COLUMNS {
            left += column.left(self.control(), master).await?;
        }
        Ok(left)
    }
}
