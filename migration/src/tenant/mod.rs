//! Migrations of the system tables in a tenant's space: a list of steps, each in its own transaction. Record tables are
//! not here; catalog operations create and change them.

mod base;
mod catalog;
mod dry_runs;
mod history;
mod invitations;
mod keys;
mod past_types;
mod protection;
mod roles;
mod runs;
mod sign_on;

use sea_orm::DbBackend;

/// One step. Its name is stored in the tenant's ledger once it has run; it is never changed after a release.
pub struct Step {
    /// Unique and stable.
    pub name: &'static str,
    /// The statements, naming the schema `"tenant"`.
    pub up: fn(DbBackend) -> Vec<String>,
}

/// All steps in order.
pub const STEPS: &[Step] = &[
    Step { name: "0001_base", up: base::up },
    Step { name: "0002_catalog", up: catalog::up },
    Step { name: "0003_history", up: history::up },
    Step { name: "0004_runs", up: runs::up },
    Step { name: "0005_dry_runs", up: dry_runs::up },
    Step { name: "0006_past_types", up: past_types::up },
    Step { name: "0007_roles", up: roles::up },
    Step { name: "0008_protection", up: protection::up },
    Step { name: "0009_keys", up: keys::up },
    Step { name: "0010_invitations", up: invitations::up },
    Step { name: "0011_sign_on", up: sign_on::up },
];

/// The column types of a database.
pub struct Types {
    /// 16 bytes.
    pub uuid: &'static str,
    /// Text compared by code point.
    pub text: &'static str,
    /// Bytes.
    pub bytes: &'static str,
}

/// The types of a backend.
pub fn types(backend: DbBackend) -> Types {
    match backend {
        DbBackend::Postgres => Types { uuid: "uuid", text: "text COLLATE \"C\"", bytes: "bytea" },
        _ => Types { uuid: "blob", text: "text", bytes: "blob" },
    }
}
