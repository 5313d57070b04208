//! One application of its own: a folder, a database where the tests run on PostgreSQL, a server.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{
    Client, Program, Ran, Server, Tenant,
    database::{self, Database},
};

/// The real program on fresh data.
pub struct TestApp {
    program: Program,
    // In the order in which they go: the server, its database, its files.
    server: Server,
    _database: Option<Database>,
    folder: TempDir,
}

impl TestApp {
    /// A fresh application, ready to answer.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A fresh application with settings of its own (`CLIENTELE_…`).
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match database::server() {
            Some(server) => Some(Database::create(server).await),
            None => None,
        };
        let program = Program::new(&folder.path().join("data"), database.as_ref().map(Database::url));
        let program = settings.iter().fold(program, |program, (name, value)| program.with(name, value));
        let server = Server::start(program.clone(), folder.path().join("server.log")).await;
        Self { program, server, _database: database, folder }
    }

    /// Another server on the same data.
    pub async fn beside(&self) -> Server {
        Server::start(self.program.clone(), self.scratch("beside.log")).await
    }

    /// The server, to be killed, stopped and started again.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The program on the same data, for commands beside the server.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs a command beside the server.
    pub fn cli(&self, arguments: &[&str]) -> Ran {
        self.program.run(arguments)
    }

    /// The folder given as `--data`.
    pub fn data(&self) -> PathBuf {
        self.scratch("data")
    }

    /// A place for files of the test.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.server.url(""), None)
    }

    /// Somebody with a token or key.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.server.url(""), Some(token.to_owned()))
    }

    /// A new organisation in the default country, with its owner and an admin's API key.
    pub fn tenant(&self, slug: &str) -> Tenant {
        Tenant::found(self, slug, &[])
    }

    /// A new organisation with more flags of `tenant create`.
    pub fn tenant_with(&self, slug: &str, flags: &[&str]) -> Tenant {
        Tenant::found(self, slug, flags)
    }
}
