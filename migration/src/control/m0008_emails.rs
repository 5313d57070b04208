//! How many emails were sent lately to addresses that somebody typed.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut counts = Table::create();
        counts.table(Alias::new("email_counts")).col(text("key").primary_key());
        counts.col(big_integer("emails")).col(big_integer("began_at"));
        manager.create_table(counts).await?;
        let mut index = Index::create();
        index.name("ix_email_counts__began_at").table(Alias::new("email_counts")).col(Alias::new("began_at"));
        manager.create_index(index).await
    }
}
