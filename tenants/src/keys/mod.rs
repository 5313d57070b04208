//! The keys that everything secret hangs on. The installation's master keys wrap what each tenant has of its own: data
//! keys, the key of its file, the key of its equality hashes. Destroying a tenant's wrapped keys shreds the tenant.
//!
//! Keys have an id, and every ciphertext names the id of its key: that is how several can be in use while one takes
//! the place of another (`crate::rotation`).

mod control;
mod data;
mod file;
mod master;
mod sealing;

pub(crate) use control::{control_key, rewrap_control_key};
pub use data::{DataKeys, Held, Purpose, Unopened};
pub(crate) use file::{add, keep_newest};
pub use master::{MasterKey, MasterKeys};
pub(crate) use sealing::SEALED;
pub use sealing::{KeyId, key_of, of_row, random};
