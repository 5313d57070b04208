//! Opens a tenant's space: from the cache, or once for all who ask at the same time. Migrations and provisioning run on
//! the way.

use std::sync::Arc;

use entities::{
    control::{data_keys, tenants},
    ids::TenantId,
    tenant::clock,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::Registry;
use crate::{
    control::Control,
    db::{About, SqliteFile, TenantDb},
    error::{Code, Error, Result},
    keys::{DataKeys, Held, KeyId, Purpose},
    migrate, security_log,
    settings::Settings,
};

impl Registry {
    /// The space of a tenant.
    ///
    /// # Errors
    /// `NOT_FOUND` if the tenant does not exist; `TENANT_SUSPENDED`; `TENANT_MIGRATING` if it cannot be brought up to
    /// date; `UNAVAILABLE` if its database does not answer.
    pub async fn space(&self, tenant: TenantId) -> Result<TenantDb> {
        self.look().await?;
        self.open.get_or_insert_async(&tenant, self.open(tenant)).await
    }

    /// Drops an open space from the cache, so that the next request reads the registry again.
    pub fn forget(&self, tenant: TenantId) {
        self.open.remove(&tenant);
    }

    async fn open(&self, tenant: TenantId) -> Result<TenantDb> {
        let row = tenants::Entity::find_by_id(tenant)
            .one(self.control.read())
            .await?
            .ok_or_else(|| Error::of(Code::NotFound))?;
        match row.state.as_str() {
            "active" => {}
            "suspended" => return Err(Error::of(Code::TenantSuspended)),
            "migrating" | "moving" => return Err(Error::of(Code::TenantMigrating)),
            _ => return Err(Error::of(Code::NotFound)),
        }
        let db = self.connect(&row, false).await?;
        if row.release != self.release() {
            self.bring_up_to_date(&db).await.map_err(|error| {
                if error.code() == Code::Unavailable {
                    return error;
                }
                let story = error.log_line();
                tracing::error!(tenant.id = %tenant, error = story, "a tenant cannot be brought up to date");
                Error::of(Code::TenantMigrating)
            })?;
        }
        let clock = clock::Entity::find_by_id(1_i16).one(&db).await?;
        db.seal_with(clock.ok_or_else(|| Error::internal("the tenant has no clock row"))?.data_key).await?;
        Ok(db)
    }

    /// The connections of a tenant, without reading its space.
    pub(crate) async fn connect(&self, row: &tenants::Model, create: bool) -> Result<TenantDb> {
        let held = held_keys(&self.control, row.id).await?;
        let folder = self.folder(row.id);
        let key = DataKeys::open(&self.master, row.id, &held)?;
        let about = About {
            tenant: row.id,
            settings: Settings::of(row)?,
            key,
            master: self.master.clone(),
            files: self.storage.files.of(row.id),
            tickets: self.tickets.clone(),
            control: self.control.clone(),
        };
        match row.database.as_str() {
            "sqlite" => {
                let path = folder.join("data.db");
                if !create && !path.exists() {
                    let message = "This organisation is in a SQLite file, and the file is not on this node.";
                    return Err(Error::new(Code::Unavailable, message));
                }
                let file = SqliteFile::open(&path, &about.key.database(), create).await?;
                Ok(TenantDb::sqlite(about, Arc::new(file)))
            }
            _ => {
                let pool =
                    self.storage.postgres.as_ref().ok_or_else(|| {
                        Error::internal("the tenant is in a PostgreSQL database and none is configured")
                    })?;
                Ok(TenantDb::postgres(about, pool))
            }
        }
    }

    /// Runs the migrations of the system tables and provisions the standard objects of this release.
    async fn bring_up_to_date(&self, db: &TenantDb) -> Result<()> {
        migrate::run(db, self.clock.micros()).await?;
        self.provision.provision(db).await?;
        security_log::begin(db, self.clock.micros()).await?;
        tenants::Entity::update_many()
            .col_expr(tenants::Column::Release, Expr::value(self.release()))
            .filter(tenants::Column::Id.eq(db.tenant()))
            .exec(self.control.write())
            .await?;
        Ok(())
    }
}

/// The wrapped keys of a tenant.
pub(crate) async fn held_keys(control: &Control, tenant: TenantId) -> Result<Vec<Held>> {
    let rows = data_keys::Entity::find().filter(data_keys::Column::TenantId.eq(tenant)).all(control.read()).await?;
    rows.into_iter().map(held).collect()
}

/// A wrapped key from its row.
pub(crate) fn held(row: data_keys::Model) -> Result<Held> {
    let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.name() == row.purpose);
    let purpose = purpose.ok_or_else(|| Error::internal("a key in the control plane has an unknown purpose"))?;
    let id = KeyId(u32::try_from(row.id).map_err(Error::internal)?);
    Ok(Held { purpose, id, wrapped: row.wrapped })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_sqlite_organisation_belongs_to_the_node_that_has_its_file() {
        let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
        let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
        // as another node sees it
        tenants::Entity::update_many()
            .col_expr(tenants::Column::Database, Expr::value("sqlite"))
            .filter(tenants::Column::Id.eq(tenant))
            .exec(registry.control().write())
            .await
            .unwrap();
        registry.forget(tenant);
        let file = registry.folder(tenant).join("data.db");
        let _ = std::fs::remove_file(&file);
        let error = registry.space(tenant).await.unwrap_err();
        assert!(error.code() == Code::Unavailable && error.message().contains("not on this node"), "{error:?}");
        assert!(!file.exists(), "no empty organisation is made in its place");
    }
}
