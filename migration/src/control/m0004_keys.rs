//! Several keys for each tenant: data keys that are rotated, and separate keys for the file and for hashes.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = Alias::new;
        let mut keys = Table::create();
        keys.table(name("data_keys"))
            .col(uuid("tenant_id"))
            .col(text("purpose"))
            .col(big_integer("id"))
            .col(blob("wrapped"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col(name("tenant_id")).col(name("purpose")).col(name("id")));
        manager.create_table(keys).await?;
        // the single key of each tenant has number 0 in its ciphertexts
        let moved = "INSERT INTO data_keys (tenant_id, purpose, id, wrapped, created_at) \
                     SELECT tenant_id, 'data', 0, wrapped, created_at FROM tenant_keys";
        manager.get_connection().execute_unprepared(moved).await?;
        manager.drop_table(Table::drop().table(name("tenant_keys")).take()).await
    }
}
