//! The control plane: the organisations, who may sign in, and where work waits.

pub mod api_key_prefixes;
pub mod attempts;
pub mod challenges;
pub mod data_keys;
pub mod domains;
pub mod email_changes;
pub mod email_counts;
pub mod key_checks;
pub mod memberships;
pub mod origins;
pub mod pictures;
pub mod policies;
pub mod recoveries;
pub mod recovery_codes;
pub mod revocations;
pub mod second_factors;
pub mod security_log;
pub mod sessions;
pub mod sign_on_links;
pub mod sign_ups;
pub mod signals;
pub mod system_jobs;
pub mod tenants;
pub mod tickets;
pub mod trusted_devices;
pub mod users;
