//! A tenant's file: SQLCipher, one writer behind a queue, two read-only connections.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{DatabaseConnection, DbErr, SqlxSqliteConnector};
use sqlx::{
    Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use zeroize::Zeroizing;

/// Readers per open file.
const READERS: u32 = 2;
/// How long an unused connection is kept. It holds a thread, file handles and cached pages.
const IDLE: Duration = Duration::from_secs(60);
/// How long a writer waits for a writer of another process (the command line beside the server).
const BUSY: Duration = Duration::from_secs(10);

/// The 32 raw bytes that encrypt a file. Never a passphrase: deriving a key from one costs a quarter of a second per
/// open.
#[derive(Clone)]
pub struct DatabaseKey(pub(crate) Zeroizing<[u8; 32]>);

impl DatabaseKey {
    /// Makes a key of its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn pragma(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(70));
        text.push_str("\"x'");
        for byte in self.0.iter() {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text.push_str("'\"");
        text
    }
}

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

/// An open SQLite file.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl SqliteFile {
    /// Prepares a file whose connections are made at first use. A file that must be created is opened at once.
    ///
    /// # Errors
    /// If it cannot be created, or exists with another key.
    pub async fn open(path: &Path, key: &DatabaseKey, create: bool) -> Result<Self, DbErr> {
        // The first use of OpenSSL: tell it not to clean up when the process exits, because connection threads may
        // still be encrypting pages then. Without this, one exit in a hundred crashes.
        openssl_sys::init();
        let base = SqliteConnectOptions::new()
            .filename(path)
            .pragma("key", key.pragma().to_string())
            .foreign_keys(false)
            .busy_timeout(BUSY)
            .statement_cache_capacity(128)
            .pragma("cache_size", "-4096")
            .pragma("temp_store", "MEMORY");
        let writing = base
            .clone()
            .create_if_missing(create)
            // a batch of an import touches thousands of index pages; a page that leaves the cache is encrypted again
            .pragma("cache_size", "-32768")
            // a larger WAL: pages that many batches change are written to the file once
            .pragma("wal_autocheckpoint", "8000")
            .pragma("journal_size_limit", "8388608")
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = pool_options().max_connections(1).connect_lazy_with(writing);
        if create {
            let opened = writer.acquire().await;
            opened.map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))?;
        }
        let reader = pool_options().max_connections(READERS).connect_lazy_with(base.pragma("query_only", "ON"));
        Ok(Self {
            path: path.to_owned(),
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The only connection that writes; callers wait in order of arrival.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The read-only connections.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Closes the connections and checkpoints the write-ahead log.
    pub async fn close(&self) {
        self.reader.get_sqlite_connection_pool().close().await;
        self.writer.get_sqlite_connection_pool().close().await;
    }
}

/// A pool that never gives out a connection with an unfinished transaction. SQLite rolls back by itself when the disk
/// is full; the driver's own rollback then fails, and everything after it would run in a transaction that nobody
/// commits.
fn pool_options() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(IDLE)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Whether this process still has files open or closing, where the system can tell (Linux). Each connection has its own
/// thread, and SQLCipher is shut down when the process ends, so the process waits for them first.
pub fn sqlite_threads() -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    let names = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.into_iter().any(|name| name.starts_with("sqlx-sqlite"))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, TransactionTrait};

    use super::*;

    #[tokio::test]
    async fn a_full_disk_loses_no_later_write() {
        let path = crate::testing::folder().join("data.db");
        let file = SqliteFile::open(&path, &DatabaseKey::new([7; 32]), true).await.expect("opens");
        file.writer().execute_unprepared("CREATE TABLE t (x blob)").await.expect("a table");
        // the writer's connection may not use another page, as on a full disk
        file.writer().execute_unprepared("PRAGMA max_page_count = 1").await.expect("a limit");
        let tx = file.writer().begin().await.expect("a transaction");
        let refused = tx.execute_unprepared("INSERT INTO t VALUES (randomblob(100000))").await.expect_err("it is full");
        assert_eq!(super::super::classify(&refused), crate::Code::StorageFull, "{refused}");
        drop(tx);

        let tx = file.writer().begin().await.expect("the next transaction");
        tx.execute_unprepared("INSERT INTO t VALUES (1)").await.expect("there is room");
        tx.commit().await.expect("committed");
        let seen = file
            .reader()
            .query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT count(*) FROM t"));
        let seen: i64 = seen.await.expect("reads").expect("a row").try_get_by_index(0).expect("a number");
        assert_eq!(seen, 1, "what was committed is there for everybody");
    }
}
