//! How much work there is, for `/metrics`: as the last turns of each queue counted it, so that nobody looks into the
//! spaces of all tenants.

use entities::control::{system_jobs, tickets};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect, sea_query::Expr};
use tenants::{control::Control, error::Result};

/// The work of a queue, of all tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its name.
    pub queue: String,
    /// Jobs to be done.
    pub waiting: i64,
    /// Jobs that were given up.
    pub failed: i64,
}

/// The work of all queues that have any, those of the installation itself included.
///
/// # Errors
/// When the control plane does not answer.
pub async fn load(control: &Control) -> Result<Vec<Load>> {
    // PostgreSQL makes another type of a sum
    let sum = |what: &str| Expr::cust(format!("CAST(sum({what}) AS bigint)"));
    let own = tickets::Entity::find()
        .select_only()
        .column(tickets::Column::Queue)
        .column_as(sum("waiting"), "waiting")
        .column_as(sum("failed"), "failed")
        .group_by(tickets::Column::Queue)
        .order_by_asc(tickets::Column::Queue)
        .into_tuple::<(String, i64, i64)>();
    let system = system_jobs::Entity::find()
        .select_only()
        .column(system_jobs::Column::Queue)
        .column_as(sum("CASE WHEN failed_at IS NULL THEN 1 ELSE 0 END"), "waiting")
        .column_as(sum("CASE WHEN failed_at IS NULL THEN 0 ELSE 1 END"), "failed")
        .group_by(system_jobs::Column::Queue)
        .order_by_asc(system_jobs::Column::Queue)
        .into_tuple::<(String, i64, i64)>();
    let mut loads = own.all(control.read()).await?;
    loads.extend(system.all(control.read()).await?);
    Ok(loads.into_iter().map(|(queue, waiting, failed)| Load { queue, waiting, failed }).collect())
}
