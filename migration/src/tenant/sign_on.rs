//! The provider through which an organisation's members sign in.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    vec![format!(
        r#"CREATE TABLE "tenant"."sign_on" (name {text} PRIMARY KEY, issuer {text} NOT NULL, client_id {text} NOT NULL,
        secret {text} NOT NULL, role_id {uuid} NOT NULL, required boolean NOT NULL)"#
    )]
}
