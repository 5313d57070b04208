//! A provider's subject is somebody at that provider alone. Whose the known subjects are is not known: those people are
//! recognised by their addresses once more.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut links = Table::alter();
        links.table(Alias::new("sign_on_links")).add_column(text("issuer").default(""));
        manager.alter_table(links).await
    }
}
