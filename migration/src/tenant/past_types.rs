//! The earlier types of fields, which old history is read with.

use sea_orm::DbBackend;

use super::types;

pub fn up(backend: DbBackend) -> Vec<String> {
    vec![format!(r#"ALTER TABLE "tenant"."fields" ADD COLUMN "past" {}"#, types(backend).text)]
}
