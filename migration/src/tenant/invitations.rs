//! Open invitations.

use sea_orm::DbBackend;

use super::{Types, types};

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, bytes } = types(backend);
    vec![
        format!(
            r#"CREATE TABLE "tenant"."invitations" (id {uuid} PRIMARY KEY, email {text} NOT NULL, email_k {text} NOT NULL,
            role_id {uuid} NOT NULL, token_hash {bytes} NOT NULL, created_at bigint NOT NULL, created_by {text} NOT NULL,
            sent_at bigint NOT NULL, expires_at bigint NOT NULL)"#
        ),
        r#"CREATE UNIQUE INDEX "uq_invitations__email_k" ON "tenant"."invitations" (email_k)"#.to_owned(),
    ]
}
