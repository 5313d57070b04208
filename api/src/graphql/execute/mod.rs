//! Runs plans: binds them to the tenant's catalog, reads level by level, and writes the answer as JSON.

pub mod actors;
mod bind;
mod load;
mod out;
mod page;
mod roots;
mod show;
mod totals;
mod tree;
mod writes;

pub use bind::Binder;
pub use out::Out;
pub use page::DEFAULT_PAGE;
pub use roots::{Root, fetch, show};
pub use writes::write;
