//! SeaORM models and typed ids of the control plane's and the tenants' system tables.

pub mod control;
pub mod ids;
pub mod tenant;
