//! Fields with encrypted values, and which of the tenant's data keys seals.

use sea_orm::DbBackend;

use super::types;

pub fn up(backend: DbBackend) -> Vec<String> {
    vec![
        format!(r#"ALTER TABLE "tenant"."fields" ADD COLUMN "encryption" {}"#, types(backend).text),
        r#"ALTER TABLE "tenant"."clock" ADD COLUMN "data_key" bigint NOT NULL DEFAULT 0"#.to_owned(),
    ]
}
