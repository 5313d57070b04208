//! A transaction in one tenant's space, under the same placeholder rule as [`super::TenantDb`].

use std::pin::Pin;

use entities::ids::TenantId;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionSession, TransactionStream,
    TransactionTrait,
};
use tokio::sync::OwnedSemaphorePermit;

use super::{Dialect, SchemaName, scan};

/// An open transaction; dropping it rolls it back.
pub struct TenantTx {
    tenant: TenantId,
    inner: DatabaseTransaction,
    schema: Option<SchemaName>,
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
        inner: DatabaseTransaction,
        schema: Option<SchemaName>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { tenant, inner, schema, _permit: permit }
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
            self.inner.execute_unprepared(&format!("SET LOCAL lock_timeout = {millis}")).await?;
        }
        Ok(())
    }

    fn place(&self, statement: Statement) -> Result<Statement, DbErr> {
        scan::place(statement, self.schema.as_ref().map(SchemaName::quoted))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for TenantTx {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(self.place(statement)?).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let placed = self.place(self.statement(sql, Vec::new()))?;
        self.inner.execute_unprepared(&placed.sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(self.place(statement)?).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(self.place(statement)?).await
    }
}

impl StreamTrait for TenantTx {
    type Stream<'a> = TransactionStream<'a>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move { self.inner.stream_raw(self.place(statement)?).await })
    }
}

#[async_trait::async_trait]
impl TransactionSession for TenantTx {
    async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }
}

#[async_trait::async_trait]
impl TransactionTrait for TenantTx {
    type Transaction = TenantTx;

    /// A savepoint.
    async fn begin(&self) -> Result<TenantTx, DbErr> {
        Ok(TenantTx::new(self.tenant, self.inner.begin().await?, self.schema.clone(), None))
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
