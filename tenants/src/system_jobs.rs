//! Jobs of the installation itself. An email to somebody who signs up belongs to no organisation, so such jobs are in
//! the control plane and commit with the rows that ask for them.

use entities::{control::system_jobs, ids::SystemJobId};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    keys::{MasterKeys, of_row},
};

/// The purpose that payloads are sealed for.
pub(crate) const SEALED: &str = "system_jobs";

/// Adds a job to a transaction of the control plane. Call [`crate::work::Tickets::wake`] after the commit to have it
/// done at once.
///
/// # Errors
/// When the control plane does not answer.
pub async fn enqueue(
    tx: &impl ConnectionTrait,
    master: &MasterKeys,
    queue: &'static str,
    payload: &impl serde::Serialize,
    now: i64,
) -> Result<()> {
    let clear = Zeroizing::new(serde_json::to_vec(payload).map_err(Error::internal)?);
    let id = SystemJobId::new();
    let row = system_jobs::ActiveModel {
        id: Set(id),
        queue: Set(queue.to_owned()),
        payload: Set(master.seal(&of_row(SEALED, id), &clear)?),
        due: Set(now),
        leased_until: Set(0),
        attempts: Set(0),
        error: Set(None),
        failed_at: Set(None),
        created_at: Set(now),
    };
    system_jobs::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The payload that [`enqueue`] was given, from a row.
///
/// # Errors
/// If the row is damaged, or no master key can unseal it.
pub fn payload(master: &MasterKeys, row: &system_jobs::Model) -> Result<serde_json::Value> {
    let clear = master.unseal(&of_row(SEALED, row.id), &row.payload);
    let clear = clear.ok_or_else(|| Error::internal("the payload of a system job cannot be unsealed"))?;
    serde_json::from_slice(&clear).map_err(Error::internal)
}
