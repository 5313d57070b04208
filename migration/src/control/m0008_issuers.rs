//! A subject identifies a person only together with its issuer. The issuers of existing rows are unknown: those people
//! are recognised by their address once more.

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
