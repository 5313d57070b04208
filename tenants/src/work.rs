//! Work to be done after a commit. The item stands in the tenant's space and commits with the rows that ask for it;
//! a ticket in the control plane, armed before that commit, says that this tenant has something waiting.

use std::sync::Arc;

use entities::{
    control::tickets,
    ids::{TenantId, WorkId},
    tenant::work,
};
use sea_orm::{
    ActiveValue::Set,
    EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use tokio::sync::Notify;

use crate::{
    control::Control,
    db::{TenantDb, TenantTx},
    error::{Error, Result},
    keys::of_row,
};

/// What payloads are sealed for.
pub(crate) const SEALED: &str = "work";

/// Something to be done.
#[derive(Clone, Debug)]
pub struct NewWork {
    /// Which handler does it.
    pub queue: &'static str,
    /// What the handler needs to know; kept encrypted.
    pub payload: serde_json::Value,
    /// Not before this instant, microseconds UTC.
    pub due: i64,
    /// While an item with this key waits in the queue, another is not added.
    pub key: Option<String>,
}

/// Where waiting work is announced, for all tenants of an installation.
#[derive(Clone, Debug)]
pub struct Tickets {
    control: Control,
    wake: Arc<Notify>,
}

impl Tickets {
    /// Announcements in this control plane.
    pub fn new(control: Control) -> Self {
        Self { control, wake: Arc::default() }
    }

    /// The control plane that they stand in.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Resolves when this process announced something.
    pub async fn announced(&self) {
        self.wake.notified().await;
    }

    /// Says that a tenant has work due at an instant. Harmless when the work is never committed: the one who drains
    /// the queue finds it empty.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn arm(&self, tenant: TenantId, queue: &str, due: i64) -> Result<()> {
        let row = tickets::ActiveModel {
            tenant_id: Set(tenant),
            queue: Set(queue.to_owned()),
            due: Set(due),
            leased_until: Set(0),
            epoch: Set(1),
            served_at: Set(0),
        };
        let earlier = Expr::case(
            Expr::col((tickets::Entity, tickets::Column::Due)).lt(due),
            Expr::col((tickets::Entity, tickets::Column::Due)),
        )
        .finally(due);
        let conflict = OnConflict::columns([tickets::Column::TenantId, tickets::Column::Queue])
            .value(tickets::Column::Due, earlier)
            .value(tickets::Column::Epoch, Expr::col((tickets::Entity, tickets::Column::Epoch)).add(1))
            .to_owned();
        tickets::Entity::insert(row).on_conflict(conflict).exec_without_returning(self.control.write()).await?;
        Ok(())
    }

    /// Wakes the workers of this process; called once the work is committed.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }
}

/// Adds work to a transaction. Call [`Tickets::wake`] after its commit to have it done at once.
///
/// # Errors
/// When a database does not answer.
pub async fn enqueue(db: &TenantDb, tx: &TenantTx, item: NewWork, now: i64) -> Result<()> {
    db.tickets().arm(db.tenant(), item.queue, item.due).await?;
    let clear = serde_json::to_vec(&item.payload).map_err(Error::internal)?;
    let id = WorkId::new();
    let row = work::ActiveModel {
        id: Set(id),
        queue: Set(item.queue.to_owned()),
        payload: Set(db.key().seal(&of_row(SEALED, id), &clear)?),
        due: Set(item.due),
        key: Set(item.key),
        attempts: Set(0),
        error: Set(None),
        failed_at: Set(None),
        created_at: Set(now),
    };
    let insert = work::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    match insert.exec_without_returning(tx).await {
        Ok(_) | Err(sea_orm::DbErr::RecordNotInserted) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What [`enqueue`] was given, of a row.
///
/// # Errors
/// When the row was sealed for another tenant or damaged.
pub async fn payload(db: &TenantDb, row: &work::Model) -> Result<serde_json::Value> {
    let clear = db.unseal(&of_row(SEALED, row.id), &row.payload).await?;
    let clear = clear.ok_or_else(|| Error::internal("a work item cannot be unsealed"))?;
    serde_json::from_slice(&clear).map_err(Error::internal)
}
