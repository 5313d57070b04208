//! One application of its own: a folder, a database where the tests run on PostgreSQL, a server.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Client, Mailbox, Program, Proxy, Ran, Server, Tenant,
    database::{self, Database},
};

/// The real program on fresh data.
pub struct TestApp {
    program: Program,
    // In the order in which they go: the server, its database, its files.
    server: Server,
    database: Option<Database>,
    folder: TempDir,
}

impl TestApp {
    /// A fresh application, ready to answer.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A fresh application with settings of its own (`CLIENTELE_…`).
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_on(database::server(), settings).await
    }

    /// A fresh application on a PostgreSQL server, or on SQLite files where there is none.
    pub async fn start_on(postgres: Option<String>, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match postgres {
            Some(server) => Some(Database::create(server).await),
            None => None,
        };
        let url = database.as_ref().map(Database::url);
        Self::open(folder, database, url, settings).await
    }

    /// A fresh application whose PostgreSQL is reached over a wire that can be cut.
    pub async fn start_behind_a_wire() -> (Self, Proxy) {
        let server = database::server().expect("TEST_DATABASE_URL");
        let database = Database::create(server).await;
        let url = database.url();
        let (start, end) = (url.rfind('@').expect("a user") + 1, url.rfind('/').expect("a database"));
        let proxy = Proxy::to(url[start..end].to_owned()).await;
        let url = format!("{}{}{}", &url[..start], proxy.address(), &url[end..]);
        (Self::open(tempfile::tempdir().expect("a temporary folder"), Some(database), Some(url), &[]).await, proxy)
    }

    async fn open(folder: TempDir, database: Option<Database>, url: Option<String>, settings: &[(&str, &str)]) -> Self {
        let program = Program::new(&folder.path().join("data"), url);
        let program = settings.iter().fold(program, |program, (name, value)| program.with(name, value));
        let server = Server::start(program.clone(), folder.path().join("server.log")).await;
        Self { program, server, database, folder }
    }

    /// Another server on the same data.
    pub async fn beside(&self) -> Server {
        self.beside_with(&[]).await
    }

    /// Another server on the same data with settings of its own (`CLIENTELE_…`).
    pub async fn beside_with(&self, settings: &[(&str, &str)]) -> Server {
        let program = settings.iter().fold(self.program.clone(), |program, (name, value)| program.with(name, value));
        Server::start(program, self.scratch("beside.log")).await
    }

    /// Address of its PostgreSQL database, if it has one.
    pub fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(Database::url)
    }

    /// The server, to be killed, stopped and started again.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        self.server.log()
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

    /// The emails that this application wrote; it has no mail server unless a test gives it one.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::of(self.data().join("mail"))
    }

    /// Somebody who signs up with an organisation, follows the link and is signed in: what `confirmSignUp` answers.
    pub async fn sign_up(&self, email: &str, password: &str, slug: &str) -> Value {
        let organisation = json!({ "slug": slug, "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
            "currency": "DZD", "language": "en" });
        let input = json!({ "firstName": "Ada", "lastName": "L", "email": email, "password": password,
            "organisation": organisation });
        let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
        self.anonymous().account(query, json!({ "input": input })).await.data();
        let token = self.mailbox().take(email, "Confirm your email address").await.token();
        let query =
            "mutation ($token: String!, $password: String!) { confirmSignUp(token: $token, password: $password) {
            accessToken refreshToken expiresIn organisation { slug currency timeZone } user { id }
            memberships { role organisation { slug } } } }";
        let variables = json!({ "token": token, "password": password });
        self.anonymous().account(query, variables).await.data()["confirmSignUp"].clone()
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
