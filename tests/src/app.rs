//! One application of its own: a folder, a database where the tests run on PostgreSQL, and what serves it.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Client, Mailbox, Program, Proxy, Ran, Server, Tenant, client,
    database::{self, Database},
    here::Here,
    template::Template,
    tenant,
};

/// The application on fresh data: served in this process, or by a process of its own.
pub struct TestApp {
    program: Program,
    // In the order in which they go: what serves, its database, its files.
    serving: Serving,
    database: Option<Database>,
    folder: TempDir,
    http: reqwest::Client,
}

enum Serving {
    Here(Here),
    Process(Server),
}

impl TestApp {
    /// A fresh application in this process, ready to answer.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A fresh application in this process with settings of its own (`CLIENTELE_…`).
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let database = match (database::server(), Template::get().database()) {
            (Some(server), Some(name)) => Some(Database::copy(server, name).await),
            _ => None,
        };
        let url = database.as_ref().map(Database::url);
        Self::serve(database, url, settings).await
    }

    /// A fresh application in this process whose PostgreSQL is reached over a wire that can be cut.
    pub async fn start_behind_a_wire() -> (Self, Proxy) {
        let server = database::server().expect("TEST_DATABASE_URL");
        let database = Database::copy(server, Template::get().database().expect("it is in PostgreSQL")).await;
        let url = database.url();
        let (start, end) = (url.rfind('@').expect("a user") + 1, url.rfind('/').expect("a database"));
        let proxy = Proxy::to(url[start..end].to_owned()).await;
        let url = format!("{}{}{}", &url[..start], proxy.address(), &url[end..]);
        (Self::serve(Some(database), Some(url), &[]).await, proxy)
    }

    /// A process that serves fresh data: it can be killed, stopped and started again, and has a log of its own.
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// A process that serves fresh data with settings of its own (`CLIENTELE_…`).
    pub async fn spawn_with(settings: &[(&str, &str)]) -> Self {
        Self::spawn_on(database::server(), settings).await
    }

    /// A process that serves fresh data on a PostgreSQL server, or in SQLite files where there is none.
    pub async fn spawn_on(postgres: Option<String>, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match postgres {
            Some(server) => Some(Database::copy(server, database::EMPTY).await),
            None => None,
        };
        let program = Program::new(&folder.path().join("data"), database.as_ref().map(Database::url), settings);
        let http = client::http();
        let server = Server::start(program.clone(), folder.path().join("server.log")).await;
        Self { program, serving: Serving::Process(server), database, folder, http }
    }

    async fn serve(database: Option<Database>, url: Option<String>, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Template::get().lay(&data);
        let program = Program::new(&data, url, settings);
        let here = Here::start(program.flags(folder.path())).await;
        Self { program, serving: Serving::Here(here), database, folder, http: client::http() }
    }

    /// A process that serves the same data.
    pub async fn beside(&self) -> Server {
        self.beside_with(&[]).await
    }

    /// A process that serves the same data with settings of its own (`CLIENTELE_…`).
    pub async fn beside_with(&self, settings: &[(&str, &str)]) -> Server {
        let program = settings.iter().fold(self.program.clone(), |program, (name, value)| program.with(name, value));
        Server::start(program, self.scratch("beside.log")).await
    }

    /// The program on another machine: it shares the PostgreSQL database and the master key, and has a data folder of its
    /// own. On SQLite there is no other machine, so it is a second process on this one.
    pub fn elsewhere(&self) -> Program {
        if self.database.is_none() {
            return self.program.clone();
        }
        let data = self.scratch("elsewhere");
        fs::create_dir_all(&data).expect("a folder");
        fs::copy(self.data().join("master.key"), data.join("master.key")).expect("a copy");
        self.program.at(&data)
    }

    /// Has a program serve.
    pub async fn served(&self, program: Program) -> Server {
        Server::start(program, self.scratch("served.log")).await
    }

    /// Address of its PostgreSQL database, if it has one.
    pub fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(Database::url)
    }

    /// The process that serves, to be killed, stopped and started again.
    pub fn server(&mut self) -> &mut Server {
        match &mut self.serving {
            Serving::Process(server) => server,
            Serving::Here(_) => {
                panic!("this application serves in the test's own process; `TestApp::spawn` starts one")
            }
        }
    }

    /// What the process logged so far.
    pub fn log(&self) -> String {
        match &self.serving {
            Serving::Process(server) => server.log(),
            Serving::Here(_) => panic!("the log is that of all tests; `TestApp::spawn` starts a process with its own"),
        }
    }

    /// The application, where it is in this process.
    pub(crate) fn here(&self) -> Option<&Here> {
        match &self.serving {
            Serving::Here(here) => Some(here),
            Serving::Process(_) => None,
        }
    }

    fn url(&self) -> String {
        match &self.serving {
            Serving::Here(here) => format!("http://{}", here.address()),
            Serving::Process(server) => server.url(""),
        }
    }

    /// The program on the same data, for commands beside what serves.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs a command beside what serves.
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
        Client::new(self.url(), None, self.http.clone())
    }

    /// Somebody with a token or key.
    pub fn with_token(&self, token: &str) -> Client {
        self.anonymous().with_token(token)
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

    /// A program with a role of an organisation.
    pub fn api_key(&self, slug: &str, role: &str) -> Client {
        match self.here() {
            Some(here) => {
                let (slug, role) = (slug.to_owned(), role.to_owned());
                self.with_token(&here.operate(|app| async move { tenant::api_key(&app, &slug, &role, &role).await }))
            }
            None => {
                let made = self.cli(&["api-key", "create", "--tenant", slug, "--name", role, "--role", role]);
                self.with_token(made.printed())
            }
        }
    }

    /// A new organisation with more flags of `tenant create`.
    pub fn tenant_with(&self, slug: &str, flags: &[&str]) -> Tenant {
        Tenant::found(self, slug, flags)
    }
}
