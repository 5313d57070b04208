//! Members, roles, API keys, the clock, exchange rates and waiting work.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, bytes } = types(backend);
    vec![
        r#"CREATE TABLE "tenant"."clock" (id smallint PRIMARY KEY, seq bigint NOT NULL, catalog_version bigint NOT NULL,
            access_version bigint NOT NULL)"#
            .to_owned(),
        r#"INSERT INTO "tenant"."clock" (id, seq, catalog_version, access_version) VALUES (1, 0, 0, 0)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."members" (id {uuid} PRIMARY KEY, version bigint NOT NULL, name {text} NOT NULL,
            name_k {text} NOT NULL, external_id {text}, created_at bigint NOT NULL, created_by {text} NOT NULL,
            updated_at bigint NOT NULL, updated_by {text} NOT NULL, archived_at bigint, user_id {uuid} NOT NULL,
            role_id {uuid} NOT NULL, email {text} NOT NULL, email_k {text} NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_members__user_id" ON "tenant"."members" (user_id)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."roles" (id {uuid} PRIMARY KEY, name {text} NOT NULL, access {text} NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_roles__name" ON "tenant"."roles" (name)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."api_keys" (id {uuid} PRIMARY KEY, name {text} NOT NULL, prefix {text} NOT NULL,
            hash {bytes} NOT NULL, role_id {uuid} NOT NULL, created_at bigint NOT NULL, created_by {text} NOT NULL,
            revoked_at bigint)"#
        ),
        format!(
            r#"CREATE TABLE "tenant"."exchange_rates" (currency {text} PRIMARY KEY, rate {text} NOT NULL,
            updated_at bigint NOT NULL)"#
        ),
        format!(
            r#"CREATE TABLE "tenant"."work" (id {uuid} PRIMARY KEY, queue {text} NOT NULL, payload {bytes} NOT NULL,
            due bigint NOT NULL, key {text}, taken boolean NOT NULL, epoch bigint NOT NULL, attempts integer NOT NULL,
            error {text}, failed_at bigint, by_hand boolean NOT NULL, subject {text} NOT NULL, cron {text},
            time_zone {text}, created_at bigint NOT NULL)"#
        ),
        r#"CREATE INDEX "ix_work__due" ON "tenant"."work" (queue, due) WHERE failed_at IS NULL"#.to_owned(),
        r#"CREATE UNIQUE INDEX "uq_work__key" ON "tenant"."work" (queue, key) WHERE key IS NOT NULL AND failed_at IS NULL AND NOT taken"#
            .to_owned(),
    ]
}
