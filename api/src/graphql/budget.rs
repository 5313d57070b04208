//! The budget of a caller: it is charged with the cost of requests and refilled steadily.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use entities::ids::TenantId;
use quick_cache::sync::Cache;
use tenants::{
    Actor, Caller,
    error::{Code, Error, Result},
};

/// The budget of each caller.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Points of a full budget.
    pub points: u64,
    /// Points refilled every second.
    pub per_second: u64,
}

impl Budget {
    /// The budget of an API key that has its own; it lasts for as many seconds.
    pub fn of(self, caller: &Caller) -> Self {
        let Some(own) = caller.points_per_second.filter(|own| *own < self.per_second) else { return self };
        let points = u128::from(self.points) * u128::from(own) / u128::from(self.per_second.max(1));
        Self { points: u64::try_from(points).unwrap_or(self.points).max(1), per_second: own }
    }
}

/// What a caller has left after a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Points of a full budget.
    pub limit: u64,
    /// Points refilled every second.
    pub per_second: u64,
    /// Points left.
    pub remaining: u64,
    /// Seconds until the budget is full again.
    pub reset: u64,
}

/// The budgets of recent callers, by a key that identifies them.
pub struct Budgets<K> {
    spent: Cache<K, Arc<Mutex<Spent>>>,
}

/// Identifies callers.
pub type Who = (TenantId, Actor);

#[derive(Clone, Copy)]
struct Spent {
    points: f64,
    at: Instant,
}

/// Most callers remembered; the longest silent are forgotten first.
const ACTORS: usize = 50_000;

impl<K: Clone + Eq + Hash> Default for Budgets<K> {
    /// Full budgets.
    fn default() -> Self {
        Self { spent: Cache::new(ACTORS) }
    }
}

impl<K: Clone + Eq + Hash> Budgets<K> {
    /// Charges the cost of a request, or of what a subscription delivers.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub fn spend(&self, key: &K, budget: Budget, cost: u64) -> Result<Left> {
        let fresh =
            || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Spent { points: 0.0, at: Instant::now() })));
        let Ok(spent) = self.spent.get_or_insert_with(key, fresh);
        let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
        let Budget { points, per_second } = budget;
        let (now, rate, most) = (Instant::now(), per_second.max(1) as f64, points as f64);
        spent.points = (spent.points - now.duration_since(spent.at).as_secs_f64() * rate).max(0.0);
        spent.at = now;
        let wanted = spent.points + cost as f64;
        // a request that costs more than a full budget runs when the budget is full
        if wanted > most && spent.points > 0.0 {
            let wait = ((wanted - most).min(spent.points) / rate).ceil().max(1.0) as u64;
            return Err(too_much(wait).with("points", points).with("pointsPerSecond", per_second));
        }
        spent.points = wanted;
        Ok(Left {
            limit: points,
            per_second,
            remaining: (most - wanted).max(0.0) as u64,
            reset: (wanted / rate).ceil() as u64,
        })
    }
}

fn too_much(seconds: u64) -> Error {
    let message = format!("Your budget is used up; try again in {seconds} s.");
    Error::new(Code::RateLimited, message).with("retryAfterMs", seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_budget_refuses_until_it_has_leaked() {
        let (budgets, budget) = (Budgets::default(), Budget { points: 100, per_second: 1 });
        assert_eq!(budgets.spend(&1, budget, 60).unwrap().remaining, 40);
        let refused = budgets.spend(&1, budget, 60).unwrap_err();
        assert_eq!((refused.code(), &refused.details()["retryAfterMs"]), (Code::RateLimited, &20_000.into()));
        budgets.spend(&1, budget, 30).unwrap();
        budgets.spend(&2, budget, 60).unwrap();
    }

    #[test]
    fn what_costs_more_than_a_budget_runs_when_it_is_full() {
        let (budgets, budget) = (Budgets::default(), Budget { points: 10, per_second: 1 });
        assert_eq!(budgets.spend(&1, budget, 50).unwrap().remaining, 0);
        assert!(budgets.spend(&1, budget, 1).is_err());
    }
}
