//! What members and keys may do has changed: their open connections are checked again.

use entities::tenant::clock;
use sea_orm::{
    EntityTrait,
    sea_query::{Expr, ExprTrait},
};

use crate::{db::TenantTx, error::Result};

/// Part of every transaction that changes roles, members, teams or keys. It locks the tenant's clock until the commit,
/// so it comes last.
///
/// # Errors
/// If the database does not answer.
pub async fn changed(tx: &TenantTx) -> Result<()> {
    let more = Expr::col(clock::Column::AccessVersion).add(1);
    clock::Entity::update_many().col_expr(clock::Column::AccessVersion, more).exec(tx).await?;
    Ok(())
}
