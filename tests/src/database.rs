//! PostgreSQL databases for applications, where `TEST_DATABASE_URL` names a server.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// What an empty database is a copy of.
pub(crate) const EMPTY: &str = "template0";

/// A database of one application, gone with the test.
pub(crate) struct Database {
    server: String,
    url: String,
}

/// The server to make databases on, if the tests run on PostgreSQL.
pub(crate) fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

impl Database {
    /// A new database on the server, a copy of another.
    pub(crate) async fn copy(server: String, template: &str) -> Self {
        let url = unused(&server);
        let sql = format!("CREATE DATABASE {} TEMPLATE {template}", name(&url));
        run(&server, &[sql]).await;
        Self { server, url }
    }

    /// Where the application finds it.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        at_once(&self.server, vec![format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name(&self.url))]);
    }
}

/// A new, empty database that others will be copies of; answers where it is.
pub(crate) fn create(server: &str) -> String {
    let url = unused(server);
    at_once(server, vec![format!("CREATE DATABASE {} TEMPLATE {EMPTY}", name(&url))]);
    url
}

/// Lets nobody in any more: only then can a database be copied.
pub(crate) fn close(server: &str, url: &str) {
    let name = name(url);
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    at_once(server, vec![format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"), end]);
}

/// The database that an address names.
pub(crate) fn name(url: &str) -> &str {
    url.rsplit('/').next().expect("an address ends with a database")
}

/// The address of a database that nobody has made yet.
fn unused(server: &str) -> String {
    let (server, _) = server.rsplit_once('/').expect("TEST_DATABASE_URL ends with a database");
    format!("{server}/test_{}", uuid::Uuid::now_v7().simple())
}

/// Runs statements while the thread waits. A thread of their own does it: that of a test has a runtime, which cannot wait.
fn at_once(server: &str, statements: Vec<String>) {
    let server = server.to_owned();
    let running = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(&server, &statements));
    });
    if running.join().is_err() {
        eprintln!("a database of the tests was not made, closed or dropped");
    }
}

async fn run(server: &str, statements: &[String]) {
    let mut connection = PgConnection::connect(server).await.expect("TEST_DATABASE_URL answers");
    for sql in statements {
        connection.execute(AssertSqlSafe(sql.as_str())).await.expect("databases can be made, closed and dropped");
    }
}
