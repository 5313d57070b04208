//! Migrates the system tables of a tenant's space to the newest version. The ledger is in the tenant; each step is one
//! transaction.

use std::collections::HashSet;

use entities::tenant::migrations;
use migration::tenant::{STEPS, Step};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, TransactionSession};

use crate::{db::TenantDb, error::Result};

/// The steps that this tenant has not run yet.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(db: &TenantDb) -> Result<Vec<&'static Step>> {
    let taken: HashSet<String> = migrations::Entity::find().all(db).await?.into_iter().map(|row| row.name).collect();
    Ok(STEPS.iter().filter(|step| !taken.contains(step.name)).collect())
}

/// Creates the ledger of a new space.
pub(crate) async fn prepare(db: &TenantDb) -> Result<()> {
    let text = migration::tenant::types(ConnectionTrait::get_database_backend(db)).text;
    let sql = format!(
        r#"CREATE TABLE IF NOT EXISTS "tenant"."migrations" (name {text} PRIMARY KEY, taken_at bigint NOT NULL)"#
    );
    db.execute_unprepared(&sql).await?;
    Ok(())
}

/// Runs all pending steps.
///
/// # Errors
/// If a step fails; the steps before it stay done.
pub async fn run(db: &TenantDb, now: i64) -> Result<usize> {
    let steps = pending(db).await?;
    for step in &steps {
        let tx = db.begin_write().await?;
        // insert first: if two processes run the same step, the second waits here and then fails on the name
        let row = migrations::ActiveModel { name: Set(step.name.to_owned()), taken_at: Set(now) };
        match migrations::Entity::insert(row).exec_without_returning(&tx).await {
            Ok(_) => {}
            Err(error) if crate::db::violation(&error).is_some() => continue,
            Err(error) => return Err(error.into()),
        }
        for sql in (step.up)(ConnectionTrait::get_database_backend(&tx)) {
            tx.execute_unprepared(&sql).await?;
        }
        tx.commit().await?;
    }
    Ok(steps.len())
}
