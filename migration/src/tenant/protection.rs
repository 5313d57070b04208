//! What the endpoints store: the security log, its settings, and the restrictions of API keys.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, bytes } = types(backend);
    let column = |definition: String| format!(r#"ALTER TABLE "tenant"."api_keys" ADD COLUMN {definition}"#);
    vec![
        format!(
            r#"CREATE TABLE "tenant"."security_log" (id {uuid} PRIMARY KEY, dedupe_key {text} NOT NULL, at bigint NOT NULL,
            last_at bigint NOT NULL, times bigint NOT NULL, kind {text} NOT NULL, actor {text}, address {text},
            agent {text}, detail {text} NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_security_log__dedupe_key" ON "tenant"."security_log" (dedupe_key)"#.to_owned(),
        r#"CREATE INDEX "ix_security_log__last_at" ON "tenant"."security_log" (last_at)"#.to_owned(),
        r#"CREATE TABLE "tenant"."security" (id smallint PRIMARY KEY, log_days bigint NOT NULL,
            history_days bigint NOT NULL)"#
            .to_owned(),
        r#"INSERT INTO "tenant"."security" (id, log_days, history_days) VALUES (1, 365, 0)"#.to_owned(),
        column(format!("scopes {text}")),
        column(format!("addresses {text}")),
        column("points_per_second bigint".to_owned()),
        column("expires_at bigint".to_owned()),
        column("used_at bigint".to_owned()),
        column(format!("used_from {text}")),
        column("renewed_at bigint".to_owned()),
        column(format!("old_hash {bytes}")),
        column("old_until bigint".to_owned()),
        format!(
            r#"CREATE TABLE "tenant"."api_key_addresses" (key_id {uuid} NOT NULL, address {text} NOT NULL,
            first_at bigint NOT NULL, PRIMARY KEY (key_id, address))"#
        ),
    ]
}
