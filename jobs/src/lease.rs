//! Tickets as leases: a node takes one by compare-and-set, and gives it back or keeps it alive by the epoch it saw.

use entities::control::tickets;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use tenants::{control::Control, error::Result};

/// How long a node may be silent before another takes over, microseconds.
const LEASE: i64 = 30 * 1_000_000;

/// Takes the ticket that waited longest among those due, if any.
pub async fn take(control: &Control, queues: &[&str], now: i64) -> Result<Option<tickets::Model>> {
    let found = tickets::Entity::find()
        .filter(tickets::Column::Due.lte(now))
        .filter(tickets::Column::LeasedUntil.lt(now))
        .filter(tickets::Column::Queue.is_in(queues.iter().copied()))
        .order_by_asc(tickets::Column::ServedAt)
        .order_by_asc(tickets::Column::Due)
        .limit(1)
        .one(control.read())
        .await?;
    let Some(ticket) = found else { return Ok(None) };
    let leased =
        tickets::Model { leased_until: now + LEASE, epoch: ticket.epoch + 1, served_at: now, ..ticket.clone() };
    let update = tickets::Entity::update_many()
        .col_expr(tickets::Column::LeasedUntil, Expr::value(leased.leased_until))
        .col_expr(tickets::Column::Epoch, Expr::value(leased.epoch))
        .col_expr(tickets::Column::ServedAt, Expr::value(leased.served_at))
        .filter(is(&ticket))
        .filter(tickets::Column::Epoch.eq(ticket.epoch))
        .exec(control.write())
        .await?;
    // lost to another node, or armed anew meanwhile: the next look finds it
    Ok((update.rows_affected == 1).then_some(leased))
}

/// Keeps a lease alive while its work goes on.
pub async fn extend(control: &Control, ticket: &tickets::Model, now: i64) -> Result<()> {
    tickets::Entity::update_many()
        .col_expr(tickets::Column::LeasedUntil, Expr::value(now + LEASE))
        .filter(is(ticket))
        .filter(tickets::Column::ServedAt.eq(ticket.served_at))
        .exec(control.write())
        .await?;
    Ok(())
}

/// Gives a ticket back: `next` is when the earliest work left in the queue is due. With none left the ticket goes,
/// unless it was armed anew since it was taken.
pub async fn give_back(control: &Control, ticket: &tickets::Model, next: Option<i64>) -> Result<()> {
    let unchanged = is(ticket).add(tickets::Column::Epoch.eq(ticket.epoch));
    let untouched = match next {
        Some(due) => {
            let update = tickets::Entity::update_many()
                .col_expr(tickets::Column::Due, Expr::value(due))
                .col_expr(tickets::Column::LeasedUntil, Expr::value(0i64))
                .filter(unchanged);
            update.exec(control.write()).await?.rows_affected
        }
        None => tickets::Entity::delete_many().filter(unchanged).exec(control.write()).await?.rows_affected,
    };
    if untouched == 0 {
        // armed anew: look again at once
        tickets::Entity::update_many()
            .col_expr(tickets::Column::LeasedUntil, Expr::value(0i64))
            .col_expr(tickets::Column::Due, Expr::value(0i64))
            .filter(is(ticket))
            .filter(tickets::Column::ServedAt.eq(ticket.served_at))
            .exec(control.write())
            .await?;
    }
    Ok(())
}

fn is(ticket: &tickets::Model) -> Condition {
    Condition::all()
        .add(tickets::Column::TenantId.eq(ticket.tenant_id))
        .add(tickets::Column::Queue.eq(ticket.queue.as_str()))
}
