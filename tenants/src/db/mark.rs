//! The mark that a request's writes leave with its idempotency key, in the same transaction: whoever finds the key
//! without an answer knows by it whether the request wrote.

use sea_orm::{ConnectionTrait, DbErr};

use super::TenantTx;

/// A request with an idempotency key.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Whose key it is, as `Actor::stored` writes it.
    pub actor: String,
    /// The key.
    pub key: String,
    /// The request that holds the key.
    pub request: String,
}

impl Mark {
    /// Notes with the key that its request has written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn set(&self, tx: &TenantTx) -> Result<(), DbErr> {
        let sql = r#"UPDATE "tenant"."idempotency" SET written = TRUE WHERE actor = $1 AND key = $2 AND request = $3"#;
        let values = [&self.actor, &self.key, &self.request].map(|text| text.as_str().into());
        tx.execute_raw(tx.statement(sql, values.into())).await.map(drop)
    }
}
