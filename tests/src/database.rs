//! A PostgreSQL database for one application, where `TEST_DATABASE_URL` names a server.

use sqlx::{Connection, Executor, PgConnection};

/// A database that is gone with the test.
pub(crate) struct Database {
    server: String,
    name: String,
}

/// The server to make databases on, if the tests run on PostgreSQL.
pub(crate) fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

impl Database {
    /// A new, empty database on the server.
    pub(crate) async fn create(server: String) -> Self {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        run(&server, format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        Self { server, name }
    }

    /// Where the application finds it.
    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("TEST_DATABASE_URL ends with a database");
        format!("{server}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = std::mem::take(&mut self.server);
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: dropping happens inside the test's runtime, which cannot wait.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(&server, sql));
        });
        if dropping.join().is_err() {
            eprintln!("the test's database was not dropped");
        }
    }
}

async fn run(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.expect("TEST_DATABASE_URL answers");
    connection.execute(sqlx::AssertSqlSafe(sql)).await.expect("databases can be made and dropped");
}
