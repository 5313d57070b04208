//! The control plane: which organisations there are, who may sign in, and where work waits.

pub mod api_key_prefixes;
pub mod attempts;
pub mod key_checks;
pub mod memberships;
pub mod origins;
pub mod security_log;
pub mod sessions;
pub mod tenant_keys;
pub mod tenants;
pub mod tickets;
pub mod users;
