//! The mark that a request with an idempotency key leaves in the same transaction as its writes. If the key is found
//! without an answer, the mark tells whether the request has written.

use sea_orm::{ConnectionTrait, DbErr};

use super::TenantTx;

/// A request with an idempotency key.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The actor who sent the key, as `Actor::stored` writes it.
    pub actor: String,
    /// The key.
    pub key: String,
    /// The request that holds the key now.
    pub request: String,
}

impl Mark {
    /// Records that this request has written.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) async fn set(&self, tx: &TenantTx) -> Result<(), DbErr> {
        let sql = r#"UPDATE "tenant"."idempotency" SET written = TRUE WHERE actor = $1 AND key = $2 AND request = $3"#;
        let values = [&self.actor, &self.key, &self.request].map(|text| text.as_str().into());
        tx.execute_raw(tx.statement(sql, values.into())).await.map(drop)
    }
}
