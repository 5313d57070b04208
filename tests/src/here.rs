//! The application in this process: served from a thread of its own, with a runtime of its own, so that a test may block.

use std::{
    net::SocketAddr,
    sync::{Arc, Once, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use api::{
    app::App,
    config::{Config, Flags},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

/// How long databases may take to close at the end.
const CLOSING: Duration = Duration::from_secs(10);

/// A served application, ended when it is dropped.
pub(crate) struct Here {
    app: App,
    address: SocketAddr,
    runtime: tokio::runtime::Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Here {
    /// Opens and serves, at an address that the system chooses.
    pub async fn start(flags: Flags) -> Self {
        let config = configured(flags);
        let (ready, started) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = runtime();
            runtime.block_on(serve(&config, ready, ended));
            runtime.shutdown_timeout(CLOSING);
        });
        let (app, address, runtime) = started.await.expect("the application starts");
        Self { app, address, runtime, end: Some(end), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has the application do something, and waits for it.
    pub fn operate<T, F>(&self, work: impl FnOnce(App) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (done, answer) = mpsc::channel();
        let work = work(self.app.clone());
        self.runtime.spawn(async move { done.send(work.await) });
        answer.recv().expect("the application does it")
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        drop(self.end.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("the application did not end well");
        }
        if std::thread::panicking() {
            log::tell();
        }
    }
}

/// Opens an application that serves nobody, does something with it and closes it.
pub(crate) fn opened<T, F>(flags: Flags, work: impl FnOnce(App) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let config = configured(flags);
    let doing = std::thread::spawn(move || {
        let runtime = runtime();
        let done = runtime.block_on(async {
            let app = App::open(&config).await.expect("the data opens");
            let registry = Arc::clone(&app.registry);
            let done = work(app).await;
            registry.close().await;
            done
        });
        runtime.shutdown_timeout(CLOSING);
        done
    });
    doing.join().expect("it is done")
}

async fn serve(
    config: &Config,
    ready: oneshot::Sender<(App, SocketAddr, tokio::runtime::Handle)>,
    ended: oneshot::Receiver<()>,
) {
    if config.files.is_some() {
        // the template's files are in a folder
        App::adopt_files(config).await.expect("a place for files");
    }
    let app = App::open(config).await.expect("the application opens");
    let registry = Arc::clone(&app.registry);
    let server = api::http::serve(app.clone(), config).await.expect("the application serves");
    if ready.send((app, server.address, tokio::runtime::Handle::current())).is_ok() {
        // nobody sends anything: the test drops its end
        let _ = ended.await;
    }
    server.stop(false).await;
    if tokio::time::timeout(CLOSING, registry.close()).await.is_err() {
        eprintln!("some databases did not close in time");
    }
}

fn configured(flags: Flags) -> Config {
    let stray = std::env::vars_os().find(|(name, _)| name.to_string_lossy().starts_with("CLIENTELE_"));
    assert!(stray.is_none(), "tests have settings of their own; unset {stray:?}");
    tenants::testing::wait_at_the_end();
    log::keep();
    Config::load(&flags).expect("the settings are good")
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// What the applications of this process warn of. It is shown when a test fails.
mod log {
    use std::{
        collections::VecDeque,
        io::{self, Write},
        sync::Mutex,
    };

    use super::Once;

    const LINES: usize = 40;
    static KEPT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

    struct Kept;

    impl Write for Kept {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let mut kept = KEPT.lock().map_err(|_| io::ErrorKind::Other)?;
            if kept.len() == LINES {
                kept.pop_front();
            }
            kept.push_back(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Begins to keep warnings.
    pub fn keep() {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            let filter = tracing_subscriber::EnvFilter::new("warn,api::emails=error,sqlx=off,sea_orm=off");
            let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Kept);
            lines.init();
        });
    }

    /// Shows what was kept.
    pub fn tell() {
        if let Ok(kept) = KEPT.lock() {
            let lines: String = kept.iter().map(String::as_str).collect();
            eprintln!("the last warnings of all applications in this process:\n{lines}");
        }
    }
}
