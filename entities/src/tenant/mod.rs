//! The system tables of a tenant's space. Statements name the schema `tenant`; `tenants::TenantDb` replaces it by the
//! real one.

pub mod api_key_addresses;
pub mod api_keys;
pub mod changes;
pub mod clock;
pub mod commits;
pub mod constraints;
pub mod consumers;
pub mod counters;
pub mod exchange_rates;
pub mod fields;
pub mod idempotency;
pub mod invitations;
pub mod members;
pub mod migrations;
pub mod objects;
pub mod roles;
pub mod runs;
pub mod sections;
pub mod security;
pub mod security_log;
pub mod sign_on;
pub mod team_members;
pub mod teams;
pub mod work;
