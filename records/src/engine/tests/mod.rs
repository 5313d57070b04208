//! Reads on a real database: SQLite, and PostgreSQL when `TEST_DATABASE_URL` is set. Expected values are written once.

mod aggregates;
mod children;
mod filters;
mod iterate;
mod lists;

use entities::ids::{FieldId, RecordId};

use super::{Archived, ListQuery, Listing, Order, Page};
use crate::{Ctx, fixture::object_id, values::Value};

/// A page of an object in the fixture's order of numbers, 1 for customers.
pub(super) fn query(object: u128) -> ListQuery {
    ListQuery {
        object: object_id(object),
        select: Vec::new(),
        filter: None,
        order: Vec::new(),
        page: Page { limit: 200, backwards: false, cursor: None },
        archived: Archived::Exclude,
        total: false,
    }
}

pub(super) fn field(ctx: &Ctx, object: &str, name: &str) -> FieldId {
    ctx.catalog.object(object).unwrap().field(name).unwrap().id
}

pub(super) fn order(ctx: &Ctx, object: &str, name: &str, descending: bool) -> Order {
    Order { field: field(ctx, object, name), descending }
}

pub(super) fn ids(listing: &Listing) -> Vec<RecordId> {
    listing.rows.iter().map(|row| row.id).collect()
}

pub(super) fn firsts(listing: &Listing) -> Vec<Value> {
    listing.rows.iter().map(|row| row.cells[0].clone()).collect()
}
