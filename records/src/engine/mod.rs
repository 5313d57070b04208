//! The one way to records: reads by [`ListQuery`], writes by [`Mutation`].

mod aggregate;
mod buckets;
mod children;
pub(crate) mod columns;
mod commit;
mod cursor;
mod decode;
#[cfg(test)]
mod fixture;
mod list;
mod mutation;
mod order;
mod query;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod totals;
mod within;
mod write;

pub use aggregate::{MAX_GROUPS, aggregate};
pub use children::children;
pub use list::{MAX_PAGE, by_ids, list};
pub use mutation::*;
pub use order::sortable;
pub use query::*;
pub use read::verify;
pub use within::within;
pub use write::{MAX_LIST, apply, archive, create, destroy, restore, take_numbers, update};
