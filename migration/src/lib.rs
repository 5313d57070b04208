//! Migrations: of the control plane, and of the system tables in every tenant's space.

pub mod control;
pub mod tenant;
