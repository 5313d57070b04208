//! Who asks, and for whom: the registry of organisations, their databases, people, keys and errors.

pub mod caller;
pub mod clock;
pub mod db;
pub mod error;

pub use caller::{Access, Actor, Caller, Operation, Origin};
pub use clock::Clock;
pub use db::{Dialect, TenantDb, TenantTx};
pub use error::{Code, Error, FieldIssue, Issue, Kind, Result};
