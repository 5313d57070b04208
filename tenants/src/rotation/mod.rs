//! Keys take each other's place while everything is in use. Nothing is ever unreadable on the way: a new key comes
//! beside the old one, then what the old one sealed is sealed anew, and only when nothing is left does the old one go.
//! Each step can be repeated, so what a crash interrupted is gone on with by the same command.

mod columns;
mod master;

pub use columns::{COLUMNS, SealedColumn};
pub use master::MasterRotation;
