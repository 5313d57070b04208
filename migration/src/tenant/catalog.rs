//! Tables of the catalog: objects, fields, sections, constraints, and the counters for column names and auto-numbers.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    vec![
        format!(
            r#"CREATE TABLE "tenant"."objects" ("id" {uuid} NOT NULL PRIMARY KEY, "name" {text} NOT NULL,
            "plural" {text} NOT NULL, "label" {text} NOT NULL, "plural_label" {text} NOT NULL,
            "table_name" {text} NOT NULL, "origin" {text} NOT NULL, "writable" boolean NOT NULL,
            "created_at" bigint NOT NULL, "retired_at" bigint)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_objects__name" ON "tenant"."objects" ("name") WHERE "retired_at" IS NULL"#.into(),
        format!(
            r#"CREATE TABLE "tenant"."sections" ("id" {uuid} NOT NULL PRIMARY KEY, "object_id" {uuid} NOT NULL,
            "name" {text} NOT NULL, "label" {text} NOT NULL, "position" integer NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_sections__name" ON "tenant"."sections" ("object_id", "name")"#.into(),
        format!(
            r#"CREATE TABLE "tenant"."fields" ("id" {uuid} NOT NULL PRIMARY KEY, "object_id" {uuid} NOT NULL,
            "name" {text} NOT NULL, "column_name" {text} NOT NULL, "kind" {text} NOT NULL, "label" {text} NOT NULL,
            "help" {text} NOT NULL, "section_id" {uuid}, "position" integer NOT NULL, "origin" {text} NOT NULL,
            "required" boolean NOT NULL, "is_unique" boolean NOT NULL, "default_value" {text},
            "validation" {text} NOT NULL, "searchable" boolean NOT NULL, "audited" boolean NOT NULL,
            "personal" {text}, "state" {text} NOT NULL, "failure" {text}, "writable" boolean NOT NULL,
            "indexed" boolean NOT NULL, "build" {text}, "created_at" bigint NOT NULL, "retired_at" bigint)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_fields__name" ON "tenant"."fields" ("object_id", "name")
            WHERE "state" <> 'retired' AND "state" <> 'inactive'"#
            .into(),
        format!(
            r#"CREATE TABLE "tenant"."constraints" ("id" {uuid} NOT NULL PRIMARY KEY, "object_id" {uuid} NOT NULL,
            "fields" {text} NOT NULL, "index_name" {text} NOT NULL, "origin" {text} NOT NULL, "state" {text} NOT NULL,
            "failure" {text})"#
        ),
        format!(r#"CREATE TABLE "tenant"."counters" ("name" {text} NOT NULL PRIMARY KEY, "value" bigint NOT NULL)"#),
        r#"INSERT INTO "tenant"."counters" ("name", "value") VALUES ('catalog', 0)"#.into(),
    ]
}
