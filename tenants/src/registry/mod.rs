//! The organisations of this installation: creating them, finding them, opening their spaces.

mod create;
mod destroy;
pub(crate) mod open;
mod person;
mod release;
pub(crate) mod watch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use entities::{
    control::{memberships, tenants},
    ids::{TenantId, UserId},
    tenant::members,
};
use quick_cache::{Weighter, sync::Cache};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

pub use create::{NewOrganisation, check_slug};
pub use person::Person;
pub(crate) use person::hold;

use crate::{
    clock::Clock,
    control::Control,
    db::{Dialect, PostgresPool, TenantDb},
    error::{Code, Error, Result},
    file_store::FileStore,
    keys::MasterKeys,
    work::Tickets,
};

/// Fills a new tenant's space and keeps it up to date: the port through which standard objects are created.
#[async_trait::async_trait]
pub trait Provision: Send + Sync {
    /// Changes whenever [`Provision::provision`] would do something new.
    fn fingerprint(&self) -> String;

    /// Brings the space up to date. It may be partly done already.
    async fn provision(&self, db: &TenantDb) -> Result<()>;
}

/// Where tenants are stored and how many may be open.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The data folder.
    pub data: PathBuf,
    /// Where files are stored.
    pub files: FileStore,
    /// The PostgreSQL database for new tenants; without it each gets a SQLite file.
    pub postgres: Option<PostgresPool>,
    /// Most open tenants. On SQLite each holds up to three connections. A tenant in PostgreSQL holds none of its own
    /// and counts a sixteenth.
    pub open_tenants: usize,
}

/// The weight of an open tenant in the registry's cache.
#[derive(Clone)]
struct TenantWeight;

impl TenantWeight {
    const FILE: u64 = 16;
}

impl Weighter<TenantId, TenantDb> for TenantWeight {
    fn weight(&self, _: &TenantId, space: &TenantDb) -> u64 {
        match space.dialect() {
            Dialect::Sqlite => Self::FILE,
            Dialect::Postgres => 1,
        }
    }
}

/// All organisations of an installation.
pub struct Registry {
    control: Control,
    master: MasterKeys,
    storage: Storage,
    tickets: Tickets,
    clock: Clock,
    provision: Arc<dyn Provision>,
    open: Cache<TenantId, TenantDb, TenantWeight>,
    seen: watch::Seen,
}

impl Registry {
    /// The registry of a control plane.
    pub fn new(
        control: Control,
        master: MasterKeys,
        storage: Storage,
        clock: Clock,
        provision: Arc<dyn Provision>,
    ) -> Self {
        let tickets = Tickets::new(control.clone());
        let open =
            Cache::with_weighter(storage.open_tenants, storage.open_tenants as u64 * TenantWeight::FILE, TenantWeight);
        Self { control, master, storage, tickets, clock, provision, open, seen: watch::Seen::default() }
    }

    /// The control plane.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The installation's keys.
    pub fn master(&self) -> &MasterKeys {
        &self.master
    }

    /// Announcements of waiting work.
    pub fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Closes all files, once they are no longer used. Must be the last thing that a process does.
    pub async fn close(&self) {
        for (_, space) in self.open.iter() {
            space.close().await;
        }
        self.control.close().await;
    }

    /// Where new tenants are stored.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.storage.data
    }

    /// How many spaces are open in this process.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The folder of a tenant, whether or not it exists.
    pub fn folder(&self, tenant: TenantId) -> PathBuf {
        folder(&self.storage.data, tenant)
    }

    /// The organisation with a slug.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is none.
    pub async fn by_slug(&self, slug: &str) -> Result<tenants::Model> {
        tenants::Entity::find()
            .filter(tenants::Column::Slug.eq(slug))
            .one(self.control.read())
            .await?
            .ok_or_else(|| Error::new(Code::NotFound, format!("There is no organisation `{slug}`.")))
    }

    /// All active organisations, by name.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn list(&self) -> Result<Vec<tenants::Model>> {
        let query = tenants::Entity::find().filter(tenants::Column::State.eq("active"));
        Ok(query.order_by_asc(tenants::Column::Slug).all(self.control.read()).await?)
    }

    /// The organisations of a person, with their member id in each.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<(memberships::Model, tenants::Model)>> {
        self.of_user_in(self.control.read(), user).await
    }

    /// The space of an organisation, if the person is an active member of it.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn place(&self, row: &memberships::Model) -> Result<Option<TenantDb>> {
        let space = self.space(row.tenant_id).await?;
        let member = members::Entity::find_by_id(row.member_id).one(&space).await?;
        Ok(member.filter(|member| member.archived_at.is_none()).map(|_| space))
    }

    /// [`Registry::of_user`] inside a transaction of the control plane.
    pub(crate) async fn of_user_in(
        &self,
        control: &impl ConnectionTrait,
        user: UserId,
    ) -> Result<Vec<(memberships::Model, tenants::Model)>> {
        let rows = memberships::Entity::find().filter(memberships::Column::UserId.eq(user)).all(control).await?;
        let ids: Vec<TenantId> = rows.iter().map(|row| row.tenant_id).collect();
        let found = tenants::Entity::find().filter(tenants::Column::Id.is_in(ids)).all(control).await?;
        let mut pairs: Vec<_> = rows
            .into_iter()
            .filter_map(|row| {
                let tenant = found.iter().find(|tenant| tenant.id == row.tenant_id)?.clone();
                (tenant.state == "active").then_some((row, tenant))
            })
            .collect();
        pairs.sort_by(|a, b| a.1.slug.cmp(&b.1.slug));
        Ok(pairs)
    }
}

fn folder(data: &Path, tenant: TenantId) -> PathBuf {
    let id = tenant.to_string();
    // a version-7 id starts with the time and ends with random bits: use the end
    let (_, last) = id.split_at(id.len() - 2);
    data.join("tenants").join(last).join(&id)
}
