//! One running application of its own: a folder, a database where the tests run on PostgreSQL, a port.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Client, Program, Ran, Tenant,
    database::{self, Database},
};

/// How long a start may take before the test gives up; the budget itself is measured by the benchmark.
const START: Duration = Duration::from_secs(60);
/// How often a question is asked again while an answer is awaited.
const PAUSE: Duration = Duration::from_millis(20);

/// The real program, serving.
pub struct TestApp {
    program: Program,
    address: SocketAddr,
    server: Option<Child>,
    folder: TempDir,
    // Dropped after the server, which holds connections to it.
    _database: Option<Database>,
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
        let mut app = Self { program, address: free_address(), server: None, folder, _database: database };
        app.launch().await;
        app
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
        self.folder.path().join("data")
    }

    /// A place for files of the test.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of a path: `/graphql`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Somebody without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.url(""), None)
    }

    /// Somebody with a token or key.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.url(""), Some(token.to_owned()))
    }

    /// A new organisation in the default country, with its owner and an admin's API key.
    pub fn tenant(&self, slug: &str) -> Tenant {
        Tenant::found(self, slug, &[])
    }

    /// A new organisation with more flags of `tenant create`.
    pub fn tenant_with(&self, slug: &str, flags: &[&str]) -> Tenant {
        Tenant::found(self, slug, flags)
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("the server is ours to kill");
            server.wait().expect("the server ends");
        }
    }

    /// Starts the server again on the same data, at the same address.
    pub async fn launch(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let log = File::options().append(true).create(true).open(self.log_path()).expect("a log file");
        let listen = self.address.to_string();
        let mut command = self.program.command(["serve", "--listen", &listen]);
        command.stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().expect("the server starts"));
        self.ready().await;
    }

    async fn ready(&mut self) {
        let (url, started) = (self.url("/readyz"), Instant::now());
        loop {
            if let Ok(answer) = reqwest::get(&url).await
                && answer.status().is_success()
            {
                return;
            }
            let ended = self.server.as_mut().expect("a server").try_wait().expect("the server's state");
            let late = started.elapsed() > START;
            assert!(ended.is_none() && !late, "the server is not ready ({ended:?}):\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        Path::join(self.folder.path(), "server.log")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("the server's last words:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// An address that nobody listens at. The system hands out ports in turn, so it stays free for a while.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
