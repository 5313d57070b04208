//! Builds indexes without blocking readers and writers. PostgreSQL does that only outside a transaction.

use sea_orm::{ConnectionTrait, DbErr, RuntimeErr, Statement};
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::{SchemaName, Space, TenantDb, scan};

impl TenantDb {
    /// Runs a statement such as `CREATE INDEX CONCURRENTLY` outside a transaction and without a time limit, on a
    /// connection of its own that is closed afterwards. On SQLite it is an ordinary statement.
    ///
    /// # Errors
    /// Inside a transaction, and if the statement fails. An index that was being built is then left invalid: see
    /// [`TenantDb::index_is_valid`].
    pub async fn run_online(&self, sql: &str) -> Result<(), DbErr> {
        let (pool, schema) = match &self.space {
            Space::Sqlite(_) => return self.execute_unprepared(sql).await.map(drop),
            Space::Postgres { pool, schema, .. } => (pool, schema),
            Space::Transaction(_) => return Err(in_transaction()),
        };
        let sql = scan::place(self.statement(sql, Vec::new()), Some(schema.quoted()))?.sql;
        let mut connection = pool.get_postgres_connection_pool().acquire().await.map_err(failed)?.detach();
        connection.execute("SET statement_timeout = 0").await.map_err(failed)?;
        let done = connection.execute(AssertSqlSafe(sql)).await.map_err(failed);
        connection.close().await.map_err(failed)?;
        done.map(drop)
    }

    /// Whether an index exists and is valid; `None` if it does not exist. On SQLite an existing index is always valid.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn index_is_valid(&self, name: &str) -> Result<Option<bool>, DbErr> {
        let (sql, values, connection) = match &self.space {
            Space::Sqlite(file) => {
                let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = $1";
                (sql, vec![name.into()], file.reader())
            }
            Space::Postgres { pool, schema, .. } => {
                let sql = "SELECT i.indisvalid FROM pg_catalog.pg_index i \
                           JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
                           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                           WHERE c.relname = $1 AND n.nspname = $2";
                (sql, vec![name.into(), SchemaName::plain(schema).into()], pool)
            }
            Space::Transaction(_) => return Err(in_transaction()),
        };
        let backend = ConnectionTrait::get_database_backend(self);
        let row = connection.query_one_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }
}

fn in_transaction() -> DbErr {
    DbErr::Custom("an index cannot be built inside a transaction".to_owned())
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}
