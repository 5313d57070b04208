//! Tickets in the control plane say which tenants have work waiting, so that nobody has to look into every space.
//!
//! A ticket is armed before the work commits, and stays while work may be waiting. Whoever wants to take it away or to
//! make it due later first shuts the tenant's table of work ([`super::shut`]): so nobody can rely on a ticket that is
//! just going.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use entities::{control::tickets, ids::TenantId};
use sea_orm::{
    ActiveValue::Set,
    EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use tokio::sync::{Notify, futures::Notified};

use crate::{control::Control, error::Result};

/// Where waiting work is announced, for all tenants of an installation.
#[derive(Clone, Debug)]
pub struct Tickets {
    control: Control,
    wake: Arc<Notify>,
    followed: Arc<AtomicBool>,
}

impl Tickets {
    /// Announcements in this control plane.
    pub fn new(control: Control) -> Self {
        Self { control, wake: Arc::default(), followed: Arc::default() }
    }

    /// From now on every commit asks for work, because somebody follows them.
    pub fn follow_commits(&self) {
        self.followed.store(true, Ordering::SeqCst);
    }

    /// Whether somebody follows the commits.
    pub fn are_commits_followed(&self) -> bool {
        self.followed.load(Ordering::SeqCst)
    }

    /// The control plane that they stand in.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Resolves when this process announces something from now on.
    pub fn announced(&self) -> Notified<'_> {
        self.wake.notified()
    }

    /// Says that a tenant has work due at an instant. A ticket that is due by then costs no write. Call it with the
    /// work inserted and not yet committed. It is harmless if the work is never committed: whoever looks into the queue
    /// finds it empty.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub(super) async fn arm(&self, tenant: TenantId, queue: &str, due: i64, now: i64) -> Result<()> {
        let armed = tickets::Entity::find_by_id((tenant, queue.to_owned())).one(self.control.read()).await?;
        if armed.is_some_and(|ticket| ticket.due <= due) {
            return Ok(());
        }
        let row = tickets::ActiveModel {
            tenant_id: Set(tenant),
            queue: Set(queue.to_owned()),
            due: Set(due),
            leased_until: Set(0),
            // larger than that of a ticket that was here before
            epoch: Set(now),
            // the others have waited longer
            served_at: Set(now),
            waiting: Set(1),
            failed: Set(0),
        };
        let earlier = Expr::case(
            Expr::col((tickets::Entity, tickets::Column::Due)).lt(due),
            Expr::col((tickets::Entity, tickets::Column::Due)),
        )
        .finally(due);
        let conflict = OnConflict::columns([tickets::Column::TenantId, tickets::Column::Queue])
            .value(tickets::Column::Due, earlier)
            .to_owned();
        tickets::Entity::insert(row).on_conflict(conflict).exec_without_returning(self.control.write()).await?;
        Ok(())
    }

    /// Wakes the workers of this process; called once the work is committed.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }
}
