//! The loop that takes tickets and works them off, and its orderly end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use entities::control::tickets;
use tenants::{Registry, error::Result};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{Handler, SystemJobs, drain, lease, system_jobs};

/// How long to wait before looking for tickets that another process armed.
const LOOK: Duration = Duration::from_millis(500);
/// System jobs done at the same time: one that waits for a slow mail server does not hold up the others.
const SYSTEM_JOBS: usize = 2;
/// How often a lease is extended while its work goes on.
const BEAT: Duration = Duration::from_secs(10);

/// Works off tickets.
pub struct Worker {
    registry: Arc<Registry>,
    handlers: Arc<Vec<Arc<dyn Handler>>>,
    system_jobs: Arc<Vec<Arc<dyn SystemJobs>>>,
    stopping: Arc<AtomicBool>,
    stop: Arc<Notify>,
}

/// Running workers; [`Workers::stop`] ends them.
pub struct Workers {
    tasks: Vec<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
    stop: Arc<Notify>,
}

impl Workers {
    /// Starts workers that share the handlers; with none, this process does no system jobs either.
    pub fn start(
        registry: Arc<Registry>,
        handlers: Vec<Arc<dyn Handler>>,
        system_jobs: Vec<Arc<dyn SystemJobs>>,
        count: usize,
    ) -> Self {
        let (handlers, system_jobs) = (Arc::new(handlers), Arc::new(system_jobs));
        let (stopping, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let worker = || Worker {
            registry: Arc::clone(&registry),
            handlers: Arc::clone(&handlers),
            system_jobs: Arc::clone(&system_jobs),
            stopping: Arc::clone(&stopping),
            stop: Arc::clone(&stop),
        };
        let for_tenants = (0..count).map(|_| tokio::spawn(worker().run(Of::Tenants)));
        let own = (0..SYSTEM_JOBS.min(count)).map(|_| tokio::spawn(worker().run(Of::Installation)));
        let tasks = for_tenants.chain(own).collect();
        Self { tasks, stopping, stop }
    }

    /// Lets the items in hand finish and starts no others.
    pub async fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker ended badly");
            }
        }
    }
}

/// Whose work a loop does.
#[derive(Clone, Copy)]
enum Of {
    Tenants,
    Installation,
}

impl Worker {
    /// A worker to be driven by hand, turn by turn.
    pub fn new(registry: Arc<Registry>, handlers: Vec<Arc<dyn Handler>>) -> Self {
        Self {
            registry,
            handlers: Arc::new(handlers),
            system_jobs: Arc::default(),
            stopping: Arc::new(AtomicBool::new(false)),
            stop: Arc::new(Notify::new()),
        }
    }

    /// The same, for the system jobs of the installation too.
    pub fn with_system_jobs(self, system_jobs: Vec<Arc<dyn SystemJobs>>) -> Self {
        Self { system_jobs: Arc::new(system_jobs), ..self }
    }

    async fn run(self, of: Of) {
        while !self.stopping.load(Ordering::SeqCst) {
            let turn = match of {
                Of::Tenants => self.turn().await,
                Of::Installation => self.system_job().await,
            };
            match turn {
                Ok(true) => {}
                Ok(false) => self.rest().await,
                Err(error) => {
                    tracing::warn!(error = error.log_line(), "a worker's turn failed");
                    self.rest().await;
                }
            }
        }
    }

    async fn rest(&self) {
        tokio::select! {
            () = self.registry.tickets().announced() => {}
            () = self.stop.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }

    /// Does the system job that waited longest. False when none was due.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn system_job(&self) -> Result<bool> {
        system_jobs::turn(&self.registry, &self.system_jobs).await
    }

    /// Takes the ticket that waited longest and works on it for a slice. False when none was due.
    ///
    /// # Errors
    /// When a database does not answer; the lease then runs out and somebody takes over.
    pub async fn turn(&self) -> Result<bool> {
        let queues: Vec<&str> = self.handlers.iter().map(|handler| handler.queue()).collect();
        let now = self.registry.clock().micros();
        let Some(ticket) = lease::take(self.registry.control(), &queues, now).await? else { return Ok(false) };
        let mut beat = tokio::time::interval(BEAT);
        beat.tick().await;
        let work = self.work(&ticket);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => break done?,
                _ = beat.tick() => {
                    lease::extend(self.registry.control(), &ticket, self.registry.clock().micros()).await?;
                }
            }
        }
        Ok(true)
    }

    async fn work(&self, ticket: &tickets::Model) -> Result<()> {
        let control = self.registry.control();
        let Some(handler) = self.handlers.iter().find(|handler| handler.queue() == ticket.queue) else {
            return Ok(());
        };
        let db = match self.registry.space(ticket.tenant_id).await {
            Ok(db) => db,
            Err(error) if error.code() == tenants::Code::NotFound => {
                return lease::give_back(control, ticket, None).await;
            }
            Err(error) => return Err(error),
        };
        let now = || self.registry.clock().micros();
        let stopping = || self.stopping.load(Ordering::SeqCst);
        let next = drain::drain(&db, &ticket.queue, handler.as_ref(), now, stopping).await?;
        lease::give_back(control, ticket, next).await
    }
}
