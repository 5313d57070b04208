//! What dry runs would have written, and which request started a run.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    let clustered = match backend {
        DbBackend::Sqlite => " WITHOUT ROWID",
        _ => "",
    };
    vec![
        format!(
            r#"CREATE TABLE "tenant"."dry_run_keys" (run {uuid} NOT NULL, key {uuid} NOT NULL,
            record_id {uuid} NOT NULL, PRIMARY KEY (run, key, record_id)){clustered}"#
        ),
        format!(
            r#"CREATE TABLE "tenant"."dry_run_records" (run {uuid} NOT NULL, record_id {uuid} NOT NULL,
            created boolean NOT NULL, draft {text} NOT NULL, PRIMARY KEY (run, record_id)){clustered}"#
        ),
        format!(r#"ALTER TABLE "tenant"."runs" ADD COLUMN request {text}"#),
        r#"CREATE INDEX "ix_runs__request" ON "tenant"."runs" (request)"#.to_owned(),
    ]
}
