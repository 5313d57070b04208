//! Protection of the endpoints: failed attempts, allowed origins, and the security log of people without organisation.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let attempts = Table::create()
            .table(Alias::new("attempts"))
            .col(text("key").primary_key())
            .col(big_integer("failures"))
            .col(big_integer("last_at"))
            .col(big_integer("locked_until"))
            .take();
        let origins = Table::create()
            .table(Alias::new("origins"))
            .col(text("origin"))
            .col(uuid("tenant_id"))
            .primary_key(Index::create().col(Alias::new("origin")).col(Alias::new("tenant_id")))
            .take();
        let log = Table::create()
            .table(Alias::new("security_log"))
            .col(uuid("id").primary_key())
            .col(text("dedupe_key"))
            .col(big_integer("at"))
            .col(big_integer("last_at"))
            .col(big_integer("times"))
            .col(text("kind"))
            .col(uuid_null("user_id"))
            .col(text_null("address"))
            .col(text_null("agent"))
            .col(text("detail"))
            .take();
        for table in [attempts, origins, log] {
            manager.create_table(table).await?;
        }
        let index = |name: &str, table: &str, column: &str| {
            Index::create().name(name).table(Alias::new(table)).col(Alias::new(column)).take()
        };
        manager.create_index(index("ix_attempts__last_at", "attempts", "last_at")).await?;
        manager.create_index(index("ix_origins__tenant_id", "origins", "tenant_id")).await?;
        manager.create_index(index("ix_security_log__last_at", "security_log", "last_at")).await?;
        manager.create_index(index("uq_security_log__dedupe_key", "security_log", "dedupe_key").unique().take()).await
    }
}
