//! Counters that are raised when something changes that every process must know, and whose access was revoked.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut signals = Table::create();
        signals.table(Alias::new("signals")).col(text("name").primary_key()).col(big_integer("value"));
        manager.create_table(signals).await?;
        let mut revocations = Table::create();
        revocations
            .table(Alias::new("revocations"))
            .col(big_integer("value").primary_key())
            .col(uuid("subject"))
            .col(big_integer("at"));
        manager.create_table(revocations).await?;
        let first = "INSERT INTO signals (name, value) VALUES ('tenants', 0), ('revocations', 0)";
        manager.get_connection().execute_unprepared(first).await.map(drop)
    }
}
