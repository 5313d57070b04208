//! What accounts need besides signing in: waiting emails, links in emails, profiles, and where sessions are used.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Thirty days, microseconds: the life of sessions before it was configurable.
const LIFE: i64 = 30 * 24 * 3600 * 1_000_000;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for (table, columns) in added() {
            // SQLite adds one column at a time
            for column in columns {
                manager.alter_table(Table::alter().table(Alias::new(table)).add_column(column).take()).await?;
            }
        }
        for (name, table, column) in [
            ("ix_system_jobs__due", "system_jobs", "due"),
            ("ix_sign_ups__email_key", "sign_ups", "email_key"),
            ("ix_recoveries__email_key", "recoveries", "email_key"),
            ("ix_sessions__user_id", "sessions", "user_id"),
        ] {
            let mut index = Index::create();
            manager.create_index(index.name(name).table(Alias::new(table)).col(Alias::new(column)).take()).await?;
        }
        Ok(())
    }
}

fn table(name: &str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name));
    for column in columns {
        table.col(column);
    }
    table
}

fn added() -> [(&'static str, Vec<ColumnDef>); 2] {
    [
        (
            "users",
            vec![
                text("language").default("en").take(),
                text("time_zone").default("UTC").take(),
                text("muted").default("").take(),
            ],
        ),
        (
            "sessions",
            vec![
                big_integer("life").default(LIFE).take(),
                text("address").default("").take(),
                text("agent").default("").take(),
            ],
        ),
    ]
}

fn tables() -> Vec<TableCreateStatement> {
    let id = |name: &'static str| uuid(name).primary_key().take();
    let moment = |name: &'static str| big_integer(name).take();
    vec![
        table(
            "system_jobs",
            vec![
                id("id"),
                text("queue").take(),
                blob("payload").take(),
                moment("due"),
                moment("leased_until"),
                integer("attempts").take(),
                text_null("error").take(),
                big_integer_null("failed_at").take(),
                moment("created_at"),
            ],
        ),
        table(
            "sign_ups",
            vec![
                id("id"),
                text("email_key").take(),
                blob("sealed").take(),
                blob("token_hash").take(),
                moment("claimed_at"),
                moment("created_at"),
                moment("expires_at"),
            ],
        ),
        table(
            "recoveries",
            vec![
                id("id"),
                text("email_key").take(),
                blob("token_hash").take(),
                moment("created_at"),
                moment("expires_at"),
            ],
        ),
        table(
            "email_changes",
            vec![
                id("user_id"),
                text("email").take(),
                text("email_key").take(),
                blob("new_hash").take(),
                blob("old_hash").take(),
                boolean("new_agreed").take(),
                boolean("old_agreed").take(),
                moment("expires_at"),
            ],
        ),
        table("pictures", vec![id("user_id"), text("media_type").take(), blob("sealed").take(), moment("updated_at")]),
    ]
}
