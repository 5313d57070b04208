//! One process that serves: started, waited for, killed.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::Program;

/// How long a start may take before the test gives up; the budget itself is measured by the benchmark.
const START: Duration = Duration::from_secs(60);
/// How often a question is asked again while an answer is awaited.
const PAUSE: Duration = Duration::from_millis(20);

/// The program, serving at an address of its own.
pub struct Server {
    program: Program,
    address: SocketAddr,
    log: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// Starts the program and waits until it is ready.
    pub(crate) async fn start(program: Program, log: PathBuf) -> Self {
        let mut server = Self { program, address: free_address(), log, process: None };
        server.launch().await;
        server
    }

    /// The address of a path: `/graphql`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process, while it runs.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("a running server").id()
    }

    /// Kills the process as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the server is ours to kill");
            process.wait().expect("the server ends");
        }
    }

    /// Starts the process again on the same data, at the same address, and waits until it is ready.
    pub async fn launch(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let log = File::options().append(true).create(true).open(&self.log).expect("a log file");
        let mut command = self.program.command(["serve", "--listen", &self.address.to_string()]);
        command.stdout(log.try_clone().expect("a second handle")).stderr(log).stdin(Stdio::null());
        self.process = Some(command.spawn().expect("the server starts"));
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
            let ended = self.process.as_mut().expect("a process").try_wait().expect("its state");
            let late = started.elapsed() > START;
            assert!(ended.is_none() && !late, "the server is not ready ({ended:?}):\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks the process to end, and waits until it has.
    pub fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take()?;
        let asked = std::process::Command::new("kill").arg(process.id().to_string()).status().expect("kill runs");
        assert!(asked.success(), "the server takes signals");
        process.wait().expect("the server ends").code()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
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
