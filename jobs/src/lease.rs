//! Tickets as leases: a node takes one by compare-and-set, keeps it alive, and gives it back by the epoch it got.

use entities::control::tickets;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use tenants::{TenantDb, control::Control, error::Result, work::Queue};

use crate::{
    item::{self, Standing},
    slots::Room,
};

/// How long a node may be silent before another takes over, microseconds.
const LEASE: i64 = 15 * 1_000_000;
/// When a queue is looked into again whose ticket could not be given back, because somebody was adding work, or whose
/// tenant did not answer; microseconds.
const SOON: i64 = 1_000_000;
const LATER: i64 = 10 * 1_000_000;

/// Takes the ticket that waited longest among those that are due and for which there is room, if any.
pub(crate) async fn take(control: &Control, room: &[Room], now: i64) -> Result<Option<tickets::Model>> {
    let mut fits = Condition::any();
    for room in room.iter().filter(|room| !room.queues.is_empty()) {
        let queue = tickets::Column::Queue.is_in(room.queues.iter().copied());
        let tenant = tickets::Column::TenantId.is_not_in(room.busy.iter().copied());
        fits = fits.add(Condition::all().add(queue).add(tenant));
    }
    if fits.is_empty() {
        return Ok(None);
    }
    let longest = tickets::Entity::find()
        .filter(tickets::Column::Due.lte(now))
        .filter(tickets::Column::LeasedUntil.lt(now))
        .filter(fits)
        .order_by_asc(tickets::Column::ServedAt)
        .order_by_asc(tickets::Column::Epoch)
        .limit(1);
    // one that is lost to another node is leased by then
    while let Some(ticket) = longest.clone().one(control.read()).await? {
        let leased =
            tickets::Model { leased_until: now + LEASE, epoch: ticket.epoch + 1, served_at: now, ..ticket.clone() };
        let update = tickets::Entity::update_many()
            .col_expr(tickets::Column::LeasedUntil, Expr::value(leased.leased_until))
            .col_expr(tickets::Column::Epoch, Expr::value(leased.epoch))
            .col_expr(tickets::Column::ServedAt, Expr::value(leased.served_at))
            .filter(ours(&ticket));
        if update.exec(control.write()).await?.rows_affected == 1 {
            return Ok(Some(leased));
        }
    }
    Ok(None)
}

/// Keeps a lease alive while its work goes on. False once another node has it.
pub(crate) async fn extend(control: &Control, ticket: &tickets::Model, now: i64) -> Result<bool> {
    let update = tickets::Entity::update_many()
        .col_expr(tickets::Column::LeasedUntil, Expr::value(now + LEASE))
        .filter(ours(ticket));
    Ok(update.exec(control.write()).await?.rows_affected == 1)
}

/// Gives a ticket back after a turn, with what the queue holds. It stays due while work is, else waits for the earliest
/// job, and goes with the last.
pub(crate) async fn give_back(
    control: &Control,
    db: &TenantDb,
    ticket: &tickets::Model,
    queue: &Queue,
    now: i64,
) -> Result<()> {
    let mut standing = item::standing(db, queue).await?;
    if standing.forgotten().is_some_and(|at| at <= now) {
        item::forget(db, queue, now).await?;
        standing = item::standing(db, queue).await?;
    }
    if let Some(due) = standing.due().filter(|due| *due <= now) {
        return counted(control, ticket, due, &standing).await;
    }
    // others rely on a ticket that is due: it may only go while nobody adds work
    let Some(shut) = tenants::work::shut(db).await? else {
        return counted(control, ticket, now + SOON, &standing).await;
    };
    let given_back = async {
        let standing = item::standing(&shut, queue).await?;
        match standing.due() {
            Some(due) => counted(control, ticket, due, &standing).await,
            None => remove(control, ticket).await,
        }
    };
    let given_back = given_back.await;
    sea_orm::TransactionSession::rollback(shut).await?;
    given_back
}

/// Gives a ticket back whose tenant does not answer.
pub(crate) async fn leave(control: &Control, ticket: &tickets::Model, now: i64) -> Result<()> {
    due_at(control, ticket, tickets::ActiveModel { due: Set(now + LATER), ..Default::default() }).await
}

async fn counted(control: &Control, ticket: &tickets::Model, due: i64, standing: &Standing) -> Result<()> {
    let (waiting, failed) = (Set(standing.waiting), Set(standing.failed));
    due_at(control, ticket, tickets::ActiveModel { due: Set(due), waiting, failed, ..Default::default() }).await
}

async fn due_at(control: &Control, ticket: &tickets::Model, changed: tickets::ActiveModel) -> Result<()> {
    let changed = tickets::ActiveModel { leased_until: Set(0), ..changed };
    tickets::Entity::update_many().set(changed).filter(ours(ticket)).exec(control.write()).await?;
    Ok(())
}

/// Takes a ticket away: nothing waits.
pub(crate) async fn remove(control: &Control, ticket: &tickets::Model) -> Result<()> {
    tickets::Entity::delete_many().filter(ours(ticket)).exec(control.write()).await?;
    Ok(())
}

/// The ticket, unless another node has taken it since.
fn ours(ticket: &tickets::Model) -> Condition {
    Condition::all()
        .add(tickets::Column::TenantId.eq(ticket.tenant_id))
        .add(tickets::Column::Queue.eq(ticket.queue.as_str()))
        .add(tickets::Column::Epoch.eq(ticket.epoch))
}
