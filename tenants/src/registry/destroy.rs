//! Destroys a tenant. Its keys go first, which makes everything sealed with them unreadable, in every copy. The rest is
//! removed afterwards; after a crash the sweep does that.

use std::fs;

use entities::{
    control::{data_keys, tenants},
    ids::TenantId,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, sea_query::Expr};

use super::{Registry, create::disk, watch};
use crate::{control::Control, db::SchemaName, error::Result, watch::revoked};

/// Tables of the control plane with rows of a tenant (column `tenant_id`). A test compares the list with the schema.
const OF_TENANTS: &[&str] =
    &["api_key_prefixes", "data_keys", "domains", "memberships", "origins", "policies", "sign_on_links", "tickets"];

impl Registry {
    /// Destroys a tenant with all its data. Its people stay, because they may belong to other organisations.
    ///
    /// # Errors
    /// `NOT_FOUND`. If a database does not answer, the next call or the sweep does the rest.
    pub async fn destroy(&self, slug: &str) -> Result<()> {
        let row = self.by_slug(slug).await?;
        if let Control::Sqlite(file) = &self.control {
            // overwrite deleted rows instead of only unlinking them
            file.writer().execute_unprepared("PRAGMA secure_delete = ON").await?;
        }
        let tx = self.control.begin().await?;
        data_keys::Entity::delete_many().filter(data_keys::Column::TenantId.eq(row.id)).exec(&tx).await?;
        tenants::Entity::update_many()
            .col_expr(tenants::Column::State, Expr::value("deleting"))
            .filter(tenants::Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
        watch::tell(&tx).await?;
        revoked(&tx, row.id.0, self.clock.micros()).await?;
        tx.commit().await?;
        let overwritten = match &self.control {
            Control::Sqlite(file) => file.writer().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await,
            Control::Postgres(control) => control.execute_unprepared("VACUUM data_keys").await,
        };
        if let Err(error) = overwritten {
            tracing::warn!(tenant.id = %row.id, %error, "the disk space of deleted keys is not overwritten yet");
        }
        self.clear(&row).await
    }

    /// Removes everything of a tenant.
    pub(super) async fn clear(&self, row: &tenants::Model) -> Result<()> {
        if let Some((_, space)) = self.open.remove(&row.id) {
            space.close().await;
        }
        if let Some(pool) = self.storage.postgres.as_ref().filter(|_| row.database == "postgres") {
            let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", SchemaName::of(row.id).quoted());
            pool.of(row.id).execute_unprepared(&sql).await?;
        }
        self.storage.files.of(row.id).clear().await?;
        match fs::remove_dir_all(self.folder(row.id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(&error)),
            _ => {}
        }
        self.unregister(row.id).await
    }

    /// Deletes a tenant's rows from the control plane.
    pub(crate) async fn unregister(&self, id: TenantId) -> Result<()> {
        let tx = self.control.begin().await?;
        for table in OF_TENANTS {
            let sql = format!("DELETE FROM {table} WHERE tenant_id = $1");
            tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, [id.0.into()])).await?;
        }
        tenants::Entity::delete_by_id(id).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn nothing_of_a_tenant_is_left_in_the_control_plane() {
        let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
        let sql = match registry.control() {
            Control::Sqlite(_) => {
                "SELECT t.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                 WHERE t.type = 'table' AND c.name = 'tenant_id' ORDER BY 1"
            }
            Control::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.columns \
                 WHERE table_schema = 'control' AND column_name = 'tenant_id' ORDER BY 1"
            }
        };
        let db = registry.control().read();
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(found, OF_TENANTS, "a table with rows of tenants loses them with the tenant");

        let organisation = testing::organisation();
        let slug = organisation.slug.clone();
        let (tenant, _) = registry.create(organisation, owner).await.unwrap();
        let folder = registry.folder(tenant);
        registry.space(tenant).await.unwrap();
        registry.destroy(&slug).await.unwrap();
        assert_eq!(registry.space(tenant).await.unwrap_err().code(), crate::Code::NotFound);
        assert!(!folder.exists());
        assert!(crate::registry::open::held_keys(registry.control(), tenant).await.unwrap().is_empty());
    }
}
