//! Single sign-on: verified domains of organisations, and which person a provider's subject is.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let domains = Table::create()
            .table(Alias::new("domains"))
            .col(text("domain").primary_key())
            .col(uuid("tenant_id"))
            .col(big_integer("verified_at"))
            .take();
        let links = Table::create()
            .table(Alias::new("sign_on_links"))
            .col(uuid("tenant_id"))
            .col(text("subject"))
            .col(uuid("user_id"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col(Alias::new("tenant_id")).col(Alias::new("subject")))
            .take();
        manager.create_table(domains).await?;
        manager.create_table(links).await?;
        let bound = Table::alter().table(Alias::new("sessions")).add_column(uuid_null("only_tenant")).take();
        manager.alter_table(bound).await
    }
}
