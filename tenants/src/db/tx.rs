//! A transaction in one tenant's space, with the same placeholder rule as [`super::TenantDb`].

use std::{pin::Pin, sync::Arc};

use entities::ids::TenantId;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, TransactionError, TransactionOptions, TransactionSession, TransactionTrait,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, RwLock, RwLockReadGuard},
    task::JoinHandle,
};

use super::{Dialect, Guards, SchemaName, scan};

/// An open transaction. Clones share it; it is rolled back when the last clone is dropped.
#[derive(Clone)]
pub struct TenantTx {
    tenant: TenantId,
    inner: Arc<Inner>,
    schema: Option<SchemaName>,
    /// What it does before it commits.
    guards: Guards,
}

struct Inner {
    /// `None` once it has ended.
    tx: RwLock<Option<DatabaseTransaction>>,
    /// A statement that is still running; everything else waits for it.
    under_way: Mutex<Option<JoinHandle<Result<(), DbErr>>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Inner {
    async fn open(&self) -> Result<RwLockReadGuard<'_, DatabaseTransaction>, DbErr> {
        RwLockReadGuard::try_map(self.tx.read().await, Option::as_ref).map_err(|_| has_ended())
    }
}

fn has_ended() -> DbErr {
    DbErr::Custom("the transaction has ended".to_owned())
}

impl std::fmt::Debug for TenantTx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantTx({})", self.tenant)
    }
}

impl TenantTx {
    pub(super) fn new(
        tenant: TenantId,
        tx: DatabaseTransaction,
        schema: Option<SchemaName>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let inner = Inner { tx: RwLock::new(Some(tx)), under_way: Mutex::default(), _permit: permit };
        Self { tenant, inner: Arc::new(inner), schema, guards: Guards::default() }
    }

    /// The same transaction, with what it does before it commits.
    pub(super) fn guarded(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// The tenant's id.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The kind of database that holds it.
    pub fn dialect(&self) -> Dialect {
        match self.schema {
            None => Dialect::Sqlite,
            Some(_) => Dialect::Postgres,
        }
    }

    /// Writes a statement in the SQL of this backend.
    pub fn statement(&self, sql: impl Into<String>, values: Vec<sea_orm::Value>) -> Statement {
        Statement::from_sql_and_values(ConnectionTrait::get_database_backend(self), sql, values)
    }

    /// PostgreSQL: how long statements of this transaction wait for a lock before they fail, so that a schema change
    /// never makes readers wait long. SQLite has one writer and its own queue.
    pub async fn set_lock_timeout(&self, millis: u32) -> Result<(), DbErr> {
        if self.schema.is_some() {
            self.ready().await?.execute_unprepared(&format!("SET LOCAL lock_timeout = {millis}")).await?;
        }
        Ok(())
    }

    /// Sends a statement without waiting for its result, so that the next one can be prepared meanwhile. The next use
    /// of the transaction, commit included, waits for it and fails if it failed.
    ///
    /// # Errors
    /// The error of the previous statement.
    pub async fn send(&self, statement: Statement) -> Result<(), DbErr> {
        let statement = self.place(statement)?;
        drop(self.ready().await?);
        let inner = Arc::clone(&self.inner);
        let sent = tokio::spawn(async move { inner.open().await?.execute_raw(statement).await.map(drop) });
        *self.inner.under_way.lock().await = Some(sent);
        Ok(())
    }

    /// The transaction, once no statement is running any more.
    async fn ready(&self) -> Result<RwLockReadGuard<'_, DatabaseTransaction>, DbErr> {
        let mut under_way = self.inner.under_way.lock().await;
        if let Some(sent) = under_way.as_mut() {
            // if the caller is cancelled here, the statement stays in its place
            let done = sent.await;
            *under_way = None;
            done.map_err(|error| DbErr::Custom(format!("a statement was lost: {error}")))??;
        }
        self.inner.open().await
    }

    /// Takes the transaction out to end it. Other clones cannot use it any more.
    async fn taken(&self) -> Result<DatabaseTransaction, DbErr> {
        self.inner.tx.write().await.take().ok_or_else(has_ended)
    }

    fn place(&self, statement: Statement) -> Result<Statement, DbErr> {
        scan::place(statement, self.schema.as_ref().map(SchemaName::quoted))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for TenantTx {
    fn get_database_backend(&self) -> DbBackend {
        match self.dialect() {
            Dialect::Sqlite => DbBackend::Sqlite,
            Dialect::Postgres => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ready().await?.execute_raw(self.place(statement)?).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let placed = self.place(self.statement(sql, Vec::new()))?;
        self.ready().await?.execute_unprepared(&placed.sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.ready().await?.query_one_raw(self.place(statement)?).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.ready().await?.query_all_raw(self.place(statement)?).await
    }
}

#[async_trait::async_trait]
impl TransactionSession for TenantTx {
    async fn commit(self) -> Result<(), DbErr> {
        if let Some(mark) = &self.guards.mark {
            mark.set(&self).await?;
        }
        if let Some(fence) = self.guards.fence {
            fence.check(&self).await?;
        }
        drop(self.ready().await?);
        self.taken().await?.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        // the running statement may have failed; that does not matter for a rollback
        drop(self.ready().await);
        self.taken().await?.rollback().await
    }
}

#[async_trait::async_trait]
impl TransactionTrait for TenantTx {
    type Transaction = TenantTx;

    /// A savepoint.
    async fn begin(&self) -> Result<TenantTx, DbErr> {
        Ok(TenantTx::new(self.tenant, self.ready().await?.begin().await?, self.schema.clone(), None))
    }

    async fn begin_with_config(&self, _: Option<IsolationLevel>, _: Option<AccessMode>) -> Result<TenantTx, DbErr> {
        self.begin().await
    }

    async fn begin_with_options(&self, _: TransactionOptions) -> Result<TenantTx, DbErr> {
        self.begin().await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c TenantTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        run(self.begin().await.map_err(TransactionError::Connection)?, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        _: Option<IsolationLevel>,
        _: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c TenantTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        self.transaction(callback).await
    }
}

/// Runs a callback in a transaction: commits on success, rolls back on error.
pub(super) async fn run<F, T, E>(tx: TenantTx, callback: F) -> Result<T, TransactionError<E>>
where
    F: for<'c> FnOnce(&'c TenantTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
    T: Send,
    E: std::fmt::Display + std::fmt::Debug + Send,
{
    match callback(&tx).await {
        Ok(value) => {
            tx.commit().await.map_err(TransactionError::Connection)?;
            Ok(value)
        }
        Err(error) => {
            tx.rollback().await.map_err(TransactionError::Connection)?;
            Err(TransactionError::Transaction(error))
        }
    }
}
