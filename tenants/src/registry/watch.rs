//! How a process learns that an open tenant must no longer be served, or has a new key. It reads a counter of the
//! control plane, at most once a second, when somebody asks for a space.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use entities::{
    control::{data_keys, signals, tenants},
    ids::TenantId,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::Registry;
use crate::{error::Result, keys::Purpose};

/// How old the known state may be.
const LOOK: Duration = Duration::from_secs(1);
const SIGNAL: &str = "tenants";

/// The last look at the counter.
#[derive(Default)]
pub(super) struct Seen {
    /// When the last look began.
    begun: Mutex<Option<Instant>>,
    /// The counter's value, and the beginning of the last look that has ended. One look at a time.
    last: tokio::sync::Mutex<(Option<Instant>, Option<i64>)>,
}

/// Tells all processes to check their open tenants.
pub(crate) async fn tell(db: &impl ConnectionTrait) -> Result<()> {
    let more = Expr::col(signals::Column::Value).add(1);
    let signal = signals::Entity::update_many().col_expr(signals::Column::Value, more);
    signal.filter(signals::Column::Name.eq(SIGNAL)).exec(db).await?;
    Ok(())
}

impl Registry {
    /// If the counter has changed, closes the spaces of tenants that are no longer active.
    pub(super) async fn look(&self) -> Result<()> {
        {
            let mut begun = self.seen.begun.lock().unwrap_or_else(PoisonError::into_inner);
            if begun.is_some_and(|at| at.elapsed() < LOOK) {
                return Ok(());
            }
            // one check serves all callers
            *begun = Some(Instant::now());
        }
        self.look_since(Instant::now()).await
    }

    /// The same, unless it was done at this instant or later.
    pub(crate) async fn look_since(&self, since: Instant) -> Result<()> {
        let mut last = self.seen.last.lock().await;
        if last.0.is_some_and(|begun| begun >= since) {
            return Ok(());
        }
        let begun = Instant::now();
        let now = signals::Entity::find_by_id(SIGNAL).one(self.control.read()).await?.map(|row| row.value);
        if last.1.is_some() && last.1 != now {
            self.close_inactive().await?;
            self.reopen_rotated().await?;
        }
        *last = (Some(begun), now);
        Ok(())
    }

    /// Reopens tenants with several data keys, so that nobody goes on sealing with an older one.
    async fn reopen_rotated(&self) -> Result<()> {
        let several = data_keys::Entity::find()
            .select_only()
            .column(data_keys::Column::TenantId)
            .filter(data_keys::Column::Purpose.eq(Purpose::Data.name()))
            .group_by(data_keys::Column::TenantId)
            .having(data_keys::Column::Id.count().gt(1));
        let several: Vec<uuid::Uuid> = several.into_tuple().all(self.control.read()).await?;
        for tenant in several {
            self.open.remove(&TenantId(tenant));
        }
        Ok(())
    }

    async fn close_inactive(&self) -> Result<()> {
        let active = tenants::Entity::find().filter(tenants::Column::State.eq("active"));
        let active: Vec<uuid::Uuid> =
            active.select_only().column(tenants::Column::Id).into_tuple().all(self.control.read()).await?;
        let active: HashSet<TenantId> = active.into_iter().map(TenantId).collect();
        for (tenant, space) in self.open.iter().filter(|(tenant, _)| !active.contains(tenant)) {
            self.open.remove(&tenant);
            // callers that still hold a connection return it before it closes
            tokio::spawn(async move { space.close().await });
        }
        Ok(())
    }
}
