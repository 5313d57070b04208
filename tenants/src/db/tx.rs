//! A transaction in one tenant's space, under the same placeholder rule as [`super::TenantDb`].

use std::{pin::Pin, sync::Arc};

use entities::ids::TenantId;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionSession, TransactionStream,
    TransactionTrait,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit},
    task::JoinHandle,
};

use super::{Dialect, SchemaName, scan};

/// An open transaction; dropping it rolls it back.
pub struct TenantTx {
    tenant: TenantId,
    inner: Arc<Inner>,
    schema: Option<SchemaName>,
    /// A statement on its way, which everything that follows waits for.
    under_way: Mutex<Option<JoinHandle<Result<(), DbErr>>>>,
}

struct Inner {
    tx: DatabaseTransaction,
    _permit: Option<OwnedSemaphorePermit>,
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
        Self { tenant, inner: Arc::new(Inner { tx, _permit: permit }), schema, under_way: Mutex::default() }
    }

    /// Whose space this is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Which database holds it.
    pub fn dialect(&self) -> Dialect {
        match self.schema {
            None => Dialect::Sqlite,
            Some(_) => Dialect::Postgres,
        }
    }

    /// A statement of ours in the words of this backend.
    pub fn statement(&self, sql: impl Into<String>, values: Vec<sea_orm::Value>) -> Statement {
        Statement::from_sql_and_values(ConnectionTrait::get_database_backend(self), sql, values)
    }

    /// PostgreSQL: how long statements of this transaction wait for a lock before they fail, so that a change of a
    /// table never makes its readers queue. SQLite has one writer and waits in its own queue.
    pub async fn set_lock_timeout(&self, millis: u32) -> Result<(), DbErr> {
        if self.schema.is_some() {
            self.settled().await?.execute_unprepared(&format!("SET LOCAL lock_timeout = {millis}")).await?;
        }
        Ok(())
    }

    /// Sends a statement off without waiting for what comes of it, so that the next one can be made ready meanwhile.
    /// Whatever is done with the transaction next, commit included, waits for it first and fails if it failed.
    ///
    /// # Errors
    /// Those of the statement before it.
    pub async fn send(&self, statement: Statement) -> Result<(), DbErr> {
        let statement = self.place(statement)?;
        self.settled().await?;
        let inner = Arc::clone(&self.inner);
        let sent = tokio::spawn(async move { inner.tx.execute_raw(statement).await.map(drop) });
        *self.under_way.lock().await = Some(sent);
        Ok(())
    }

    /// The transaction, when no statement is under way any more.
    async fn settled(&self) -> Result<&DatabaseTransaction, DbErr> {
        let mut under_way = self.under_way.lock().await;
        if let Some(sent) = under_way.as_mut() {
            // who is interrupted here finds it still there
            let done = sent.await;
            *under_way = None;
            done.map_err(|error| DbErr::Custom(format!("a statement was lost: {error}")))??;
        }
        Ok(&self.inner.tx)
    }

    /// The transaction alone, to end it.
    async fn ended(self) -> Result<DatabaseTransaction, DbErr> {
        self.settled().await?;
        let inner =
            Arc::into_inner(self.inner).ok_or_else(|| DbErr::Custom("a transaction is still in use".to_owned()))?;
        Ok(inner.tx)
    }

    fn place(&self, statement: Statement) -> Result<Statement, DbErr> {
        scan::place(statement, self.schema.as_ref().map(SchemaName::quoted))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for TenantTx {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner.tx)
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.settled().await?.execute_raw(self.place(statement)?).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let placed = self.place(self.statement(sql, Vec::new()))?;
        self.settled().await?.execute_unprepared(&placed.sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.settled().await?.query_one_raw(self.place(statement)?).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.settled().await?.query_all_raw(self.place(statement)?).await
    }
}

impl StreamTrait for TenantTx {
    type Stream<'a> = TransactionStream<'a>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner.tx)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move { self.settled().await?.stream_raw(self.place(statement)?).await })
    }
}

#[async_trait::async_trait]
impl TransactionSession for TenantTx {
    async fn commit(self) -> Result<(), DbErr> {
        self.ended().await?.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        // what was under way may have failed: that is no matter now
        let _ = self.settled().await;
        self.ended().await?.rollback().await
    }
}

#[async_trait::async_trait]
impl TransactionTrait for TenantTx {
    type Transaction = TenantTx;

    /// A savepoint.
    async fn begin(&self) -> Result<TenantTx, DbErr> {
        Ok(TenantTx::new(self.tenant, self.settled().await?.begin().await?, self.schema.clone(), None))
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

/// Runs a callback in a transaction: committed on success, rolled back on error.
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
