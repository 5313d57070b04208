//! Runs plans: binds them to the tenant's catalog, reads level by level, and writes the answer as JSON.

pub mod actors;
mod bind;
mod events;
mod history;
mod load;
mod out;
mod page;
mod roots;
mod show;
mod targets;
mod totals;
mod tree;
mod writes;

pub use bind::Binder;
pub use events::{Event, EventPlan, Kind};
pub use out::Out;
pub use page::{DEFAULT_PAGE, first};
pub use roots::{Root, fetch, show};
pub use writes::write;

/// An instant as answers write it.
pub fn instant(micros: i64) -> String {
    let instant = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
