//! Rotates keys while everything is in use. Nothing becomes unreadable: a new key is added beside the old one, then
//! what the old one sealed is resealed, and only when nothing is left is the old key removed. Each step can be
//! repeated, so the same command continues after a crash.

mod columns;
mod data;
mod master;
mod values;

pub use columns::{COLUMNS, Key, SealedColumn};
pub use data::Reseal;
pub use master::MasterRotation;
pub use values::{Form, SealedValues, beginnings, reseal_space};
