//! What ours is measured beside: the same rows by bare SQL, and by a handler with nothing but SQL in it.

mod handler;
mod layout;

pub use handler::{Process, serve};
pub use layout::Layout;
