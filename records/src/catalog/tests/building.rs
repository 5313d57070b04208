//! Fields over many rows: usable at once, finished step by step.

use serde_json::json;
use tenants::Code;

use super::*;
use crate::catalog::{self, FieldPatch, FieldState, Progress, build_step};

#[tokio::test]
async fn many_rows_are_built_by_steps() {
    let mut space = Space::new().await;
    space.many(25_000).await;
    let spec = FieldSpec::new("level", FieldKind::Text).required().default("Basic");
    let field = catalog::create_field(&space.ctx, "customer", spec).await.unwrap();
    assert_eq!(field.state, FieldState::Building);
    space.next().await;
    let fresh = space.create("customer", json!({ "level": "Gold" })).await.unwrap();
    assert_eq!(build_step(&space.ctx, field.id).await.unwrap(), Progress::More);
    assert_eq!(build_step(&space.ctx, field.id).await.unwrap(), Progress::Done);
    assert_eq!(build_step(&space.ctx, field.id).await.unwrap(), Progress::Done);
    space.next().await;
    assert_eq!(space.field("customer.level").state, FieldState::Active);
    assert_eq!(space.read("customer.level", fresh).await, text("Gold"));
    let table = &space.ctx.catalog.object("customer").unwrap().table;
    let sql =
        format!(r#"SELECT count(*) FROM "tenant"."{table}" WHERE "{0}" = 'Basic' AND "{0}_k" = 'basic'"#, field.column);
    let row = space.ctx.db.query_one_raw(space.ctx.db.statement(sql, Vec::new())).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 25_000);
}

#[tokio::test]
async fn an_index_left_half_made_is_made_again() {
    let mut space = Space::new().await;
    space.many(1_500).await;
    let field = catalog::create_field(&space.ctx, "customer", FieldSpec::new("x", FieldKind::Integer)).await.unwrap();
    space.next().await;
    let table = &space.ctx.catalog.object("customer").unwrap().table;
    let index = format!("ix_{table}__{}", field.column);
    if space.ctx.db.dialect() == tenants::Dialect::Postgres {
        // what a killed CREATE INDEX CONCURRENTLY leaves behind: a unique index over equal values fails in the same way
        let sql = format!(r#"CREATE UNIQUE INDEX CONCURRENTLY "{index}" ON "tenant"."{table}" ("created_at")"#);
        assert!(space.ctx.db.run_online(&sql).await.is_err());
        assert_eq!(space.ctx.db.index_is_valid(&index).await.unwrap(), Some(false));
    }
    assert_eq!(build_step(&space.ctx, field.id).await.unwrap(), Progress::Done);
    assert_eq!(space.ctx.db.index_is_valid(&index).await.unwrap(), Some(true));
}

#[tokio::test]
async fn values_that_are_not_unique_fail_the_field() {
    let mut space = Space::new().await;
    space.many(1_500).await;
    let field = catalog::create_field(&space.ctx, "customer", FieldSpec::new("x", FieldKind::Text)).await.unwrap();
    build_step(&space.ctx, field.id).await.unwrap();
    space.next().await;
    space.create("customer", json!({ "x": "same" })).await.unwrap();
    let twin = space.create("customer", json!({ "x": "SAME" })).await.unwrap();
    let unique = FieldPatch { unique: Some(true), ..FieldPatch::default() };
    let field = catalog::update_field(&space.ctx, field.id, unique.clone()).await.unwrap();
    assert_eq!(field.state, FieldState::Building);
    assert_eq!(build_step(&space.ctx, field.id).await.unwrap(), Progress::Done);
    space.next().await;
    let failed = space.field("customer.x");
    assert_eq!((failed.state, failed.unique, failed.failure.is_some()), (FieldState::Failed, false, true));
    let customer = space.ctx.catalog.object("customer").unwrap().id;
    engine::archive(&space.ctx, customer, twin).await.unwrap();
    catalog::update_field(&space.ctx, field.id, unique).await.unwrap();
    build_step(&space.ctx, field.id).await.unwrap();
    space.next().await;
    assert_eq!(space.field("customer.x").state, FieldState::Active);
    assert_eq!(code(space.create("customer", json!({ "x": "same" })).await), Code::ValidationFailed);
}
