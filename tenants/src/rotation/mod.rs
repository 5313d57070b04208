//! Keys take each other's place while everything is in use. Nothing is ever unreadable on the way: a new key comes
//! beside the old one, then what the old one sealed is sealed anew, and only when nothing is left does the old one go.
//! Each step can be repeated, so what a crash interrupted is gone on with by the same command.

mod columns;
mod data;
mod master;
mod values;

pub use columns::{COLUMNS, Key, SealedColumn};
pub use data::QUEUE;
pub use master::MasterRotation;
pub use values::{Form, SealedValues, beginnings, reseal_space};
