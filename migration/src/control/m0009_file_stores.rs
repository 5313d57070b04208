//! Where the files of all organisations are stored.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut stores = Table::create();
        stores.table(Alias::new("file_stores")).col(small_integer("id").primary_key()).col(text("place"));
        manager.create_table(stores).await
    }
}
