//! What was written, when and by whom: commits in order, the changes in each, and answers to repeat.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    // SQLite: the number is the rowid, and changes are stored in the order in which they are read
    let (number, clustered) = match backend {
        DbBackend::Sqlite => ("integer", " WITHOUT ROWID"),
        _ => ("bigint", ""),
    };
    vec![
        format!(
            r#"CREATE TABLE "tenant"."commits" (seq {number} NOT NULL PRIMARY KEY, id {uuid} NOT NULL, at bigint NOT NULL,
            actor {text} NOT NULL, origin {text} NOT NULL, run {uuid}, request {text} NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_commits__id" ON "tenant"."commits" (id)"#.to_owned(),
        r#"CREATE INDEX "ix_commits__run" ON "tenant"."commits" (run, seq) WHERE run IS NOT NULL"#.to_owned(),
        r#"CREATE INDEX "ix_commits__request" ON "tenant"."commits" (request)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."changes" (commit_id {uuid} NOT NULL, n bigint NOT NULL, object_id {uuid} NOT NULL,
            record_id {uuid}, kind {text} NOT NULL, diff {text}, PRIMARY KEY (commit_id, n)){clustered}"#
        ),
        r#"CREATE INDEX "ix_changes__record_id" ON "tenant"."changes" (record_id)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."consumers" (name {text} PRIMARY KEY, seq bigint NOT NULL, n bigint NOT NULL,
            rebuilding boolean NOT NULL, updated_at bigint NOT NULL)"#
        ),
        format!(
            r#"CREATE TABLE "tenant"."idempotency" (actor {text} NOT NULL, key {text} NOT NULL, hash {text} NOT NULL,
            request {text} NOT NULL, response {text}, written boolean NOT NULL DEFAULT FALSE, created_at bigint NOT NULL, PRIMARY KEY (actor, key))"#
        ),
        r#"CREATE INDEX "ix_idempotency__created_at" ON "tenant"."idempotency" (created_at)"#.to_owned(),
    ]
}
