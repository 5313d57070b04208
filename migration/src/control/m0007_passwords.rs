//! When passwords were changed, how often a sign-up's password was tried, and the last organisation of a session.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("users", big_integer("password_changed_at").default(0).take()),
            ("sign_ups", integer("tries").default(0).take()),
            ("sessions", uuid_null("last_tenant").take()),
        ] {
            manager.alter_table(Table::alter().table(Alias::new(table)).add_column(column).take()).await?;
        }
        Ok(())
    }
}
