//! The wiring: the only place where implementations are plugged into the ports of lower layers.

use std::sync::Arc;

use jobs::{Registered, consumers::Consumers};
use records::{Ctx, rules::RuleSet};
use sha2::{Digest, Sha256};
use tenants::{
    Access, Actor, Caller, Clock, Code, Error, Origin, Provision, Registry, TenantDb, control::Control,
    db::PostgresPool, error::Result, identity::Identity, keys::MasterKeys, registry::Storage,
};

use crate::{config::Config, emails::EmailSender};

/// The opened application, as endpoints and commands use it. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The organisations.
    pub registry: Arc<Registry>,
    /// People and programs.
    pub identity: Arc<Identity>,
    /// The rules of the standard objects.
    pub rules: Arc<RuleSet>,
    /// What follows the feed of changes.
    pub consumers: Consumers,
}

/// Gives new tenants the standard objects, and existing ones the new objects of a release.
pub(crate) struct StandardObjects {
    fingerprint: String,
}

impl StandardObjects {
    /// The standard objects of this release.
    pub(crate) fn new() -> Self {
        let digest = Sha256::digest(format!("{:?}", crm::objects()));
        Self { fingerprint: digest[..6].iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

#[async_trait::async_trait]
impl Provision for StandardObjects {
    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    async fn provision(&self, db: &TenantDb) -> Result<()> {
        records::catalog::provision(db, &crm::objects()).await
    }
}

impl App {
    /// Opens the data folder, the keys and the databases.
    ///
    /// # Errors
    /// If one of them fails; the message says which and what to do.
    pub async fn open(config: &Config) -> Result<Self> {
        let (control, master, storage) = opened(config).await?;
        storage.files.check(&control).await?;
        let provision = Arc::new(StandardObjects::new());
        let registry = Arc::new(Registry::new(control, master, storage, Clock::system(), provision));
        let consumers = crate::consumers::consumers();
        consumers.follow(&registry);
        let identity = Arc::new(Identity::new(Arc::clone(&registry)));
        Ok(Self { registry, identity, rules: crm::rules(), consumers })
    }

    /// Makes the configured place the one where all nodes store files, whichever it was.
    ///
    /// # Errors
    /// If the place or a database cannot be used.
    pub async fn adopt_files(config: &Config) -> Result<()> {
        let (control, _, storage) = opened(config).await?;
        let adopted = storage.files.adopt(&control).await;
        control.close().await;
        adopted
    }

    /// The context of the operator's command line in an organisation.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such organisation.
    pub async fn operator(&self, slug: &str) -> Result<Ctx> {
        let tenant = self.registry.by_slug(slug).await?;
        let db = self.registry.space(tenant.id).await?;
        self.ctx(db, Actor::System, Arc::new(Access::All), Origin::Cli, uuid::Uuid::now_v7().to_string()).await
    }

    /// A context for a caller in an open space.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub async fn ctx(
        &self,
        db: TenantDb,
        actor: Actor,
        access: Arc<Access>,
        origin: Origin,
        request: String,
    ) -> Result<Ctx> {
        let caller = Caller {
            tenant: db.tenant(),
            actor,
            origin,
            access,
            locale: db.settings().language.clone(),
            clock: self.registry.clock().clone(),
            request,
            run: None,
            client: None,
            points_per_second: None,
        };
        Ctx::open(Arc::new(caller), db, Arc::clone(&self.rules)).await
    }

    /// Which handler works on which queue.
    pub fn handlers(&self, emails: &Arc<EmailSender>) -> Vec<Registered> {
        crate::workers::handlers(self, emails)
    }
}

/// The control plane, the keys, and where tenants are stored.
async fn opened(config: &Config) -> Result<(Control, MasterKeys, Storage)> {
    std::fs::create_dir_all(&config.data).map_err(|error| {
        Error::new(Code::BadRequest, format!("The data folder {} cannot be used: {error}.", config.data.display()))
    })?;
    let master = config.master()?;
    let (control, postgres) = match &config.database_url {
        None => (Control::open_sqlite(&config.data, &master).await?, None),
        Some(url) => {
            let control = Control::open_postgres(url, &master).await?;
            (control, Some(PostgresPool::open(url, config.database_connections, config.statement_cache)?))
        }
    };
    let files = files::open(&config.data, config.bucket()?.as_ref())?;
    let storage = Storage { data: config.data.clone(), files, postgres, open_tenants: config.open_tenants };
    Ok((control, master, storage))
}
