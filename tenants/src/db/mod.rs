//! The only way to a tenant's tables. Statements say `"tenant"."o12"`; [`TenantDb`] replaces the placeholder by the
//! tenant's own schema, so that no statement can reach another tenant and connections keep no state of a tenant.

mod classify;
mod fence;
mod mark;
mod online;
mod postgres;
mod scan;
mod sqlite;
mod tx;

use std::{pin::Pin, sync::Arc};

use entities::ids::TenantId;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    SqliteTransactionMode, Statement, TransactionError, TransactionOptions, TransactionTrait,
};
use tokio::sync::Semaphore;

use zeroize::Zeroizing;

use crate::{
    control::Control,
    error::{Error, Result},
    file_store::FileFolder,
    keys::{DataKeys, KeyId, MasterKeys, key_of},
    registry::open::held_keys,
    settings::Settings,
    work::Tickets,
};

pub use classify::{Violation, classify, violation};
pub use fence::Fence;
pub use mark::Mark;
pub use postgres::{PostgresPool, SchemaName};
pub use sqlite::{DatabaseKey, SqliteFile, sqlite_threads};
pub use tx::TenantTx;

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// One tenant's space, open. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TenantDb {
    about: Arc<About>,
    space: Space,
    /// What every write transaction does before it commits.
    guards: Guards,
}

/// What a write transaction does before it commits.
#[derive(Clone, Debug, Default)]
struct Guards {
    /// The request that is writing, if it has an idempotency key.
    mark: Option<Arc<Mark>>,
    /// The job that is writing.
    fence: Option<Fence>,
}

/// What belongs to a tenant besides its tables.
#[derive(Debug)]
pub struct About {
    /// Who it is.
    pub tenant: TenantId,
    /// Its settings: language, time zone and so on.
    pub settings: Settings,
    /// Its data keys.
    pub key: DataKeys,
    /// The master key that wraps them.
    pub master: MasterKeys,
    /// Where its files are. The crate `files` reads and writes them.
    pub files: FileFolder,
    /// Where its waiting work is announced.
    pub tickets: Tickets,
    /// The control plane that it is registered in.
    pub control: Control,
}

impl About {
    /// As [`TenantDb::take_up_keys`].
    ///
    /// # Errors
    /// If the control plane does not answer.
    pub async fn take_up_keys(&self) -> Result<()> {
        let held = held_keys(&self.control, self.tenant).await?;
        self.key.take_up(&self.master, &held)
    }
}

#[derive(Clone, Debug)]
enum Space {
    Sqlite(Arc<SqliteFile>),
    Postgres {
        pool: DatabaseConnection,
        schema: SchemaName,
        permits: Arc<Semaphore>,
    },
    /// Inside an open transaction: every statement is part of it.
    Transaction(TenantTx),
}

impl TenantDb {
    /// A tenant kept in a SQLite file.
    pub fn sqlite(about: About, file: Arc<SqliteFile>) -> Self {
        Self { about: Arc::new(about), space: Space::Sqlite(file), guards: Guards::default() }
    }

    /// A tenant kept in a schema of a PostgreSQL database.
    pub fn postgres(about: About, pool: &PostgresPool) -> Self {
        let schema = SchemaName::of(about.tenant);
        let permits = Arc::new(Semaphore::new(pool.share(about.tenant)));
        let pool = pool.of(about.tenant).clone();
        let space = Space::Postgres { pool, schema, permits };
        Self { about: Arc::new(about), space, guards: Guards::default() }
    }

    /// The same space inside one of its open transactions: whoever gets this uses the transaction and never the pool. A
    /// transaction begun inside it becomes a savepoint and commits only with the outer one.
    pub fn inside(&self, tx: &TenantTx) -> Self {
        Self { space: Space::Transaction(tx.clone()), ..self.clone() }
    }

    /// Whether this is a space inside a transaction.
    pub fn is_inside(&self) -> bool {
        matches!(self.space, Space::Transaction(_))
    }

    /// The same space, where every write transaction leaves a mark for the idempotency key of its request.
    pub fn marked(&self, mark: Mark) -> Self {
        let guards = Guards { mark: Some(Arc::new(mark)), ..self.guards.clone() };
        Self { guards, ..self.clone() }
    }

    /// The same space for a job: a write transaction is refused at its commit once somebody else has taken the job over.
    pub fn fenced(&self, fence: Fence) -> Self {
        let guards = Guards { fence: Some(fence), ..self.guards.clone() };
        Self { guards, ..self.clone() }
    }

    /// The job that writes here, if one does.
    pub fn fence(&self) -> Option<Fence> {
        self.guards.fence
    }

    /// The tenant's id.
    pub fn tenant(&self) -> TenantId {
        self.about.tenant
    }

    /// The settings of the organisation.
    pub fn settings(&self) -> &Settings {
        &self.about.settings
    }

    /// The tenant's data keys.
    pub fn key(&self) -> &DataKeys {
        &self.about.key
    }

    /// Reads the tenant's data keys again, because another process has added one.
    ///
    /// # Errors
    /// If the control plane does not answer.
    pub async fn take_up_keys(&self) -> Result<()> {
        self.about.take_up_keys().await
    }

    /// Makes this data key the one that seals from now on, as the tenant's clock row says.
    ///
    /// # Errors
    /// If the control plane does not answer, or has no such key.
    pub async fn seal_with(&self, id: i64) -> Result<()> {
        let id = KeyId(u32::try_from(id).map_err(Error::internal)?);
        if self.key().current() == id || self.key().seal_with(id) {
            return Ok(());
        }
        self.take_up_keys().await?;
        if self.key().seal_with(id) { Ok(()) } else { Err(Error::internal("the tenant's data key does not exist")) }
    }

    /// Opens what [`DataKeys::seal`] encrypted for the same purpose, also under a key that another process has just
    /// added. `None` if the value is damaged or was sealed for something else.
    ///
    /// # Errors
    /// If the control plane does not answer.
    pub async fn unseal(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        if key_of(sealed).is_some_and(|id| !self.key().has(id)) {
            self.take_up_keys().await?;
        }
        Ok(self.key().unseal(purpose, sealed))
    }

    /// What belongs to the tenant besides its tables.
    pub fn about(&self) -> &Arc<About> {
        &self.about
    }

    /// Where the tenant's waiting work is announced.
    pub fn tickets(&self) -> &Tickets {
        &self.about.tickets
    }

    /// The control plane that it is registered in.
    pub fn control(&self) -> &Control {
        &self.about.control
    }

    /// The kind of database that holds it.
    pub fn dialect(&self) -> Dialect {
        match &self.space {
            Space::Sqlite(_) => Dialect::Sqlite,
            Space::Postgres { .. } => Dialect::Postgres,
            Space::Transaction(tx) => tx.dialect(),
        }
    }

    /// Writes a statement in the SQL of this backend.
    pub fn statement(&self, sql: impl Into<String>, values: Vec<sea_orm::Value>) -> Statement {
        Statement::from_sql_and_values(ConnectionTrait::get_database_backend(self), sql, values)
    }

    /// Closes the connections to the tenant's own file. They must be closed before the process ends, because SQLCipher
    /// is shut down then.
    pub async fn close(&self) {
        if let Space::Sqlite(file) = &self.space {
            file.close().await;
        }
    }

    /// The schema of a tenant in PostgreSQL.
    pub(crate) fn schema(&self) -> Option<&SchemaName> {
        match &self.space {
            Space::Postgres { schema, .. } => Some(schema),
            Space::Sqlite(_) | Space::Transaction(_) => None,
        }
    }

    /// The connections of a tenant in PostgreSQL, for a statement that names the schemas of several.
    pub(crate) fn pool(&self) -> Option<&DatabaseConnection> {
        match &self.space {
            Space::Postgres { pool, .. } => Some(pool),
            Space::Sqlite(_) | Space::Transaction(_) => None,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        match &self.space {
            Space::Sqlite(file) => file.reader().ping().await,
            Space::Postgres { pool, .. } => pool.ping().await,
            Space::Transaction(_) => Ok(()),
        }
    }

    /// Begins a transaction that will write. On SQLite it waits in the queue for the file's only writer.
    pub async fn begin_write(&self) -> Result<TenantTx, DbErr> {
        match &self.space {
            Space::Sqlite(file) => {
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..Default::default()
                };
                let inner = file.writer().begin_with_options(options).await?;
                Ok(TenantTx::new(self.about.tenant, inner, None, None).guarded(self.guards.clone()))
            }
            Space::Postgres { pool, schema, permits } => {
                let permit = permit(permits).await?;
                let tx = TenantTx::new(self.about.tenant, pool.begin().await?, Some(schema.clone()), Some(permit));
                Ok(tx.guarded(self.guards.clone()))
            }
            Space::Transaction(tx) => TransactionTrait::begin(tx).await,
        }
    }

    /// Begins a read transaction with a stable snapshot (for an export, a page of the feed).
    pub async fn begin_read(&self) -> Result<TenantTx, DbErr> {
        match &self.space {
            Space::Sqlite(file) => Ok(TenantTx::new(self.about.tenant, file.reader().begin().await?, None, None)),
            Space::Postgres { pool, schema, permits } => {
                let permit = permit(permits).await?;
                let inner =
                    pool.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?;
                Ok(TenantTx::new(self.about.tenant, inner, Some(schema.clone()), Some(permit)))
            }
            Space::Transaction(tx) => TransactionTrait::begin(tx).await,
        }
    }

    /// The statement with the tenant's schema put in, and the connection to run it on.
    async fn route(&self, statement: Statement) -> Result<Routed<'_>, DbErr> {
        match &self.space {
            Space::Sqlite(file) => {
                let connection = if scan::is_read(&statement.sql) { file.reader() } else { file.writer() };
                Ok(Routed { to: To::Pool(connection), statement: scan::place(statement, None)?, _permit: None })
            }
            Space::Postgres { pool, schema, permits } => {
                let statement = scan::place(statement, Some(schema.quoted()))?;
                let permit = permits.acquire().await.map_err(closed)?;
                Ok(Routed { to: To::Pool(pool), statement, _permit: Some(permit) })
            }
            // the transaction replaces the placeholder itself
            Space::Transaction(tx) => Ok(Routed { to: To::Transaction(tx), statement, _permit: None }),
        }
    }
}

struct Routed<'a> {
    to: To<'a>,
    statement: Statement,
    _permit: Option<tokio::sync::SemaphorePermit<'a>>,
}

/// Where a statement runs.
enum To<'a> {
    Pool(&'a DatabaseConnection),
    Transaction(&'a TenantTx),
}

async fn permit(permits: &Arc<Semaphore>) -> Result<tokio::sync::OwnedSemaphorePermit, DbErr> {
    Arc::clone(permits).acquire_owned().await.map_err(closed)
}

fn closed(_: tokio::sync::AcquireError) -> DbErr {
    DbErr::Custom("the tenant's connections are closed".to_owned())
}

#[async_trait::async_trait]
impl ConnectionTrait for TenantDb {
    fn get_database_backend(&self) -> DbBackend {
        match self.dialect() {
            Dialect::Sqlite => DbBackend::Sqlite,
            Dialect::Postgres => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let routed = self.route(statement).await?;
        match routed.to {
            To::Pool(pool) => pool.execute_raw(routed.statement).await,
            To::Transaction(tx) => tx.execute_raw(routed.statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let routed = self.route(self.statement(sql, Vec::new())).await?;
        match routed.to {
            To::Pool(pool) => pool.execute_unprepared(&routed.statement.sql).await,
            To::Transaction(tx) => tx.execute_unprepared(&routed.statement.sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let routed = self.route(statement).await?;
        match routed.to {
            To::Pool(pool) => pool.query_one_raw(routed.statement).await,
            To::Transaction(tx) => tx.query_one_raw(routed.statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let routed = self.route(statement).await?;
        match routed.to {
            To::Pool(pool) => pool.query_all_raw(routed.statement).await,
            To::Transaction(tx) => tx.query_all_raw(routed.statement).await,
        }
    }
}

#[async_trait::async_trait]
impl TransactionTrait for TenantDb {
    type Transaction = TenantTx;

    async fn begin(&self) -> Result<TenantTx, DbErr> {
        self.begin_write().await
    }

    async fn begin_with_config(
        &self,
        _: Option<IsolationLevel>,
        access: Option<AccessMode>,
    ) -> Result<TenantTx, DbErr> {
        match access {
            Some(AccessMode::ReadOnly) => self.begin_read().await,
            _ => self.begin_write().await,
        }
    }

    async fn begin_with_options(&self, options: TransactionOptions) -> Result<TenantTx, DbErr> {
        self.begin_with_config(options.isolation_level, options.access_mode).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c TenantTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        tx::run(self.begin_write().await.map_err(TransactionError::Connection)?, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation: Option<IsolationLevel>,
        access: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c TenantTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let begun = self.begin_with_config(isolation, access).await;
        tx::run(begun.map_err(TransactionError::Connection)?, callback).await
    }
}
