//! Runs: series of writes that any process can continue and that can be undone.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    vec![
        format!(
            r#"CREATE TABLE "tenant"."runs" (id {uuid} PRIMARY KEY, kind {text} NOT NULL, status {text} NOT NULL,
            object_id {uuid}, params {text} NOT NULL, progress {text} NOT NULL, matched bigint NOT NULL,
            changed bigint NOT NULL, failed bigint NOT NULL, error {text}, created_by {text} NOT NULL,
            created_at bigint NOT NULL, updated_at bigint NOT NULL, epoch bigint NOT NULL, lease_until bigint,
            held_by {uuid})"#
        ),
        r#"CREATE INDEX "ix_runs__status" ON "tenant"."runs" (status)"#.to_owned(),
    ]
}
