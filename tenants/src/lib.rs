//! Who makes a request, and for which organisation: the registry of organisations, their databases, people, keys and
//! errors.

pub mod access;
pub mod api_keys;
pub mod caller;
pub mod clock;
pub mod control;
pub mod db;
pub mod error;
pub mod file_store;
pub mod identity;
mod iso;
pub mod keys;
mod lines;
pub mod mailing;
pub mod migrate;
pub mod origins;
pub mod registry;
pub mod rotation;
pub mod sealed;
pub mod security_log;
pub mod settings;
pub mod sign_on;
pub mod system_jobs;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod watch;
pub mod work;

pub use access::{Access, FieldAccess, Operation, Permission, RowScope};
pub use caller::{Actor, Caller, Origin};
pub use clock::Clock;
pub use db::{Dialect, Mark, TenantDb, TenantTx};
pub use error::{Code, Error, FieldIssue, Issue, Kind, Result};
pub use registry::{Provision, Registry};
pub use settings::Settings;
