//! What the server is compared with: the same rows by bare SQL, and by a handler that only runs SQL.

mod handler;
mod layout;

pub use handler::{Process, serve};
pub use layout::Layout;
