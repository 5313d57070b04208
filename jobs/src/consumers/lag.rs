//! How far consumers are behind, for `/metrics`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use entities::ids::TenantId;

/// Commits that consumers have not seen yet, of the tenants that this process saw them behind in.
#[derive(Default)]
pub(super) struct Lags(Mutex<HashMap<(&'static str, TenantId), i64>>);

impl Lags {
    /// Publishes how far a consumer is behind in a tenant; the largest lag of all tenants is shown.
    pub fn set(&self, consumer: &'static str, tenant: TenantId, commits: i64) {
        let mut lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if commits > 0 {
            lags.insert((consumer, tenant), commits);
        } else {
            lags.remove(&(consumer, tenant));
        }
        let most = lags.iter().filter(|((name, _), _)| *name == consumer).map(|(_, lag)| *lag).max();
        metrics::gauge!("clientele_consumer_lag_commits", "consumer" => consumer).set(most.unwrap_or_default() as f64);
    }
}
