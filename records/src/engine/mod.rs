//! The one way to records: reads by [`ListQuery`], writes by [`Mutation`].

mod aggregate;
mod buckets;
mod children;
mod cursor;
mod decode;
mod list;
mod mutation;
mod order;
mod query;
mod read;
mod within;

pub use aggregate::{MAX_GROUPS, aggregate};
pub use children::children;
pub use list::{MAX_PAGE, by_ids, list};
pub use mutation::*;
pub use order::sortable;
pub use query::*;
pub use read::verify;
pub use within::within;
