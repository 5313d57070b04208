//! Migrations of the control plane.

mod m0001_registry;
mod m0002_accounts;
mod m0003_protection;
mod m0004_keys;
mod m0005_signals;
mod m0006_factors;
mod m0006_sign_on;
mod m0007_passwords;
mod m0008_emails;
mod m0008_issuers;
mod m0009_file_stores;

use sea_orm_migration::prelude::*;

/// Migrates the control plane to the newest version.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_registry::Migration),
            Box::new(m0002_accounts::Migration),
            Box::new(m0003_protection::Migration),
            Box::new(m0004_keys::Migration),
            Box::new(m0005_signals::Migration),
            Box::new(m0006_sign_on::Migration),
            Box::new(m0006_factors::Migration),
            Box::new(m0007_passwords::Migration),
            Box::new(m0008_issuers::Migration),
            Box::new(m0008_emails::Migration),
            Box::new(m0009_file_stores::Migration),
        ]
    }
}
