//! A space that is filled and nobody's yet. Organisations of tests begin with a copy of it instead of being migrated and
//! provisioned step by step; the rest of what makes them (keys, roles, owner) is done as for everybody.

use std::fs;

use entities::{
    ids::{MemberId, TenantId},
    tenant::work,
};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

use super::organisation;
use crate::{
    Registry, TenantDb,
    db::SchemaName,
    error::Result,
    keys::{Held, Purpose},
    registry::{NewOrganisation, Person},
};

/// Filled spaces of an installation, and of those that are copies of it.
pub struct Template {
    /// On SQLite: a file's bytes, whose it was, and the key that opens it.
    file: Option<(Vec<u8>, TenantId, Held)>,
    /// In PostgreSQL: schemas that get the name of who takes them.
    schemas: Vec<SchemaName>,
}

impl Template {
    /// Fills spaces of an installation that nobody uses yet: one on SQLite, `schemas` of them in PostgreSQL.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn make(registry: &Registry, schemas: usize) -> Result<Self> {
        let mut made = Self { file: None, schemas: Vec::new() };
        if registry.storage().postgres.is_none() {
            let id = TenantId::new();
            let mut keys = fill(registry, id).await?;
            let key = keys.extract_if(.., |held| held.purpose == Purpose::File).next().expect("a file has a key");
            let bytes = fs::read(registry.folder(id).join("data.db")).expect("a file");
            made.file = Some((bytes, id, key));
            return Ok(made);
        }
        for _ in 0..schemas {
            let id = TenantId::new();
            fill(registry, id).await?;
            made.schemas.push(SchemaName::of(id));
        }
        Ok(made)
    }

    /// Makes an organisation as [`Registry::create`] does, with a copy of a filled space while there is one.
    ///
    /// # Errors
    /// Those of [`Registry::create`].
    pub async fn found(
        &self,
        registry: &Registry,
        organisation: NewOrganisation,
        owner: Person,
    ) -> Result<(TenantId, MemberId)> {
        let id = TenantId::new();
        let keys = match &self.file {
            Some((_, whose, key)) => registry.master().first_keys_of_copy(id, (*whose, key))?,
            None => registry.master().first_keys(id)?,
        };
        let spare = self.spare(registry).await?;
        if self.file.is_none() && spare.is_none() {
            return registry.create(organisation, owner).await;
        }
        let row = registry.register(id, keys, &organisation).await?;
        fs::create_dir_all(registry.folder(id)).expect("a folder");
        if let Some((bytes, ..)) = &self.file {
            fs::write(registry.folder(id).join("data.db"), bytes).expect("a copy");
        }
        if let (Some(spare), Some(pool)) = (spare, &registry.storage().postgres) {
            let sql = format!("ALTER SCHEMA {} RENAME TO {}", spare.quoted(), SchemaName::of(id).quoted());
            pool.of(id).execute_unprepared(&sql).await?;
        }
        let db = registry.connect(&row, false).await?;
        let member = registry.seed(&db, owner.row()).await?;
        db.close().await;
        registry.activate(&row, &owner, member).await?;
        Ok((id, member))
    }

    /// A schema that nobody has taken in this database.
    async fn spare(&self, registry: &Registry) -> Result<Option<SchemaName>> {
        for schema in &self.schemas {
            let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{}'", schema.plain());
            let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
            if registry.control().read().query_one_raw(statement).await?.is_some() {
                return Ok(Some(schema.clone()));
            }
        }
        Ok(None)
    }
}

/// Fills the space of a tenant that the control plane then forgets; answers its keys.
async fn fill(registry: &Registry, id: TenantId) -> Result<Vec<Held>> {
    let keys = registry.master().first_keys(id)?;
    let row = registry.register(id, keys.clone(), &organisation()).await?;
    fs::create_dir_all(registry.folder(id)).expect("a folder");
    if let Some(pool) = &registry.storage().postgres {
        let sql = format!("CREATE SCHEMA {}", SchemaName::of(id).quoted());
        pool.of(id).execute_unprepared(&sql).await?;
    }
    let db: TenantDb = registry.connect(&row, true).await?;
    registry.fill(&db).await?;
    // it would be sealed for a tenant that is gone
    assert_eq!(work::Entity::find().count(&db).await?, 0, "a filled space has no work waiting");
    db.close().await;
    registry.unregister(id).await?;
    Ok(keys)
}
