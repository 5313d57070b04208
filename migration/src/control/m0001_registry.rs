//! Organisations, people, sessions, keys and tickets.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for (name, table, column) in
            [("uq_tenants__slug", "tenants", "slug"), ("uq_users__email_key", "users", "email_key")]
        {
            let mut index = Index::create();
            index.name(name).table(Alias::new(table)).col(Alias::new(column)).unique();
            manager.create_index(index).await?;
        }
        let mut due = Index::create();
        due.name("ix_tickets__due").table(Alias::new("tickets")).col(Alias::new("due"));
        manager.create_index(due).await
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

fn tables() -> Vec<TableCreateStatement> {
    let id = |name: &'static str| uuid(name).primary_key().take();
    vec![
        table(
            "tenants",
            vec![
                id("id"),
                text("slug").take(),
                text("name").take(),
                text("state").take(),
                text("database").take(),
                text("country").take(),
                text("currency").take(),
                text("time_zone").take(),
                text("language").take(),
                text("release").take(),
                big_integer("created_at").take(),
            ],
        ),
        table(
            "users",
            vec![
                id("id"),
                text("email").take(),
                text("email_key").take(),
                text("first_name").take(),
                text("last_name").take(),
                text("password_hash").take(),
                big_integer("created_at").take(),
            ],
        ),
        table("memberships", vec![uuid("user_id").take(), uuid("tenant_id").take(), uuid("member_id").take()])
            .primary_key(Index::create().col(Alias::new("user_id")).col(Alias::new("tenant_id")))
            .take(),
        table(
            "sessions",
            vec![
                id("id"),
                uuid("user_id").take(),
                blob("refresh_hash").take(),
                big_integer("created_at").take(),
                big_integer("expires_at").take(),
                big_integer("used_at").take(),
                big_integer_null("revoked_at").take(),
            ],
        ),
        table(
            "api_key_prefixes",
            vec![text("prefix").primary_key().take(), uuid("tenant_id").take(), uuid("key_id").take()],
        ),
        table("tenant_keys", vec![id("tenant_id"), blob("wrapped").take(), big_integer("created_at").take()]),
        table("key_checks", vec![text("name").primary_key().take(), blob("sealed").take()]),
        table(
            "tickets",
            vec![
                uuid("tenant_id").take(),
                text("queue").take(),
                big_integer("due").take(),
                big_integer("leased_until").take(),
                big_integer("epoch").take(),
                big_integer("served_at").take(),
                big_integer("waiting").take(),
                big_integer("failed").take(),
            ],
        )
        .primary_key(Index::create().col(Alias::new("tenant_id")).col(Alias::new("queue")))
        .take(),
    ]
}
