//! The keys that protect all secrets. The master keys of the installation wrap the keys of each tenant: its data keys,
//! the key of its file, the key of its equality hashes. Destroying a tenant's wrapped keys makes its data unreadable
//! for ever.
//!
//! Keys have an id, and every ciphertext names the id of its key. So several keys can be in use while one replaces
//! another (`crate::rotation`).

mod control;
mod data;
mod file;
mod master;
mod sealing;

pub(crate) use control::{control_key, rewrap_control_key};
pub use data::{DataKeys, Held, Purpose, Unopened, retired};
pub(crate) use file::{add, create, keep_newest};
pub use master::{MasterKey, MasterKeys};
pub(crate) use sealing::SEALED;
pub use sealing::{KeyId, key_of, of_row, random};
