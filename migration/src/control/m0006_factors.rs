//! Second factors of people, their recovery codes and trusted devices, and which organisations require a second factor.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = |name: &str, columns: Vec<ColumnDef>| {
            let mut table = Table::create();
            table.table(Alias::new(name));
            for column in columns {
                table.col(column);
            }
            table
        };
        let id = |name: &'static str| uuid(name).primary_key().take();
        for table in [
            table(
                "second_factors",
                vec![
                    id("user_id"),
                    blob("sealed").take(),
                    big_integer("created_at").take(),
                    big_integer_null("confirmed_at").take(),
                    big_integer("last_step").take(),
                ],
            ),
            table("recovery_codes", vec![id("id"), uuid("user_id").take(), blob("code_hash").take()]),
            table(
                "challenges",
                vec![
                    id("id"),
                    uuid("user_id").take(),
                    blob("token_hash").take(),
                    text_null("organisation").take(),
                    boolean("remember").take(),
                    integer("tries").take(),
                    big_integer("expires_at").take(),
                ],
            ),
            table(
                "trusted_devices",
                vec![
                    id("id"),
                    uuid("user_id").take(),
                    blob("device_hash").take(),
                    text("agent").take(),
                    text("address").take(),
                    big_integer("created_at").take(),
                    big_integer("used_at").take(),
                    big_integer("expires_at").take(),
                ],
            ),
            table("policies", vec![id("tenant_id"), boolean("two_factors").take()]),
        ] {
            manager.create_table(table).await?;
        }
        for table in ["recovery_codes", "challenges", "trusted_devices"] {
            let name = format!("ix_{table}__user_id");
            let index = Index::create().name(name).table(Alias::new(table)).col(Alias::new("user_id")).take();
            manager.create_index(index).await?;
        }
        let mut sessions = Table::alter();
        sessions.table(Alias::new("sessions")).add_column(boolean("two_factors").default(false));
        manager.alter_table(sessions).await
    }
}
