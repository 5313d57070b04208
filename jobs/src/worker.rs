//! The loop that takes tickets and works them off, and its orderly end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use entities::control::tickets;
use tenants::{
    Registry,
    error::{Code, Result},
};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

use crate::{
    Registered, SystemJobs,
    drain::{Turn, patiently},
    lease,
    slots::{Slot, Slots},
    system_jobs,
};

/// How long to wait before looking for tickets that another process armed.
const LOOK: Duration = Duration::from_millis(500);
/// System jobs done at the same time: one that waits for a slow mail server does not hold up the others.
const SYSTEM_JOBS: usize = 2;
/// How often a lease is extended while its work goes on.
const BEAT: Duration = Duration::from_secs(5);
/// How long jobs in hand may take at the end. They are fenced: another process does them again.
const ENDING: Duration = Duration::from_secs(20);

/// Works off tickets.
#[derive(Clone)]
pub struct Worker(Arc<Node>);

struct Node {
    registry: Arc<Registry>,
    handlers: Vec<Registered>,
    system_jobs: Vec<Arc<dyn SystemJobs>>,
    slots: Arc<Slots>,
    stopping: AtomicBool,
    stop: Notify,
}

/// Running workers; [`Workers::stop`] ends them.
pub struct Workers {
    worker: Worker,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` workers, and one for short jobs alone; with none, this process does no system jobs either.
    pub fn start(
        registry: Arc<Registry>,
        handlers: Vec<Registered>,
        system_jobs: Vec<Arc<dyn SystemJobs>>,
        count: usize,
    ) -> Self {
        let worker = Worker::of(registry, handlers, system_jobs, count);
        let mut tasks = Vec::new();
        if count > 0 {
            tasks.push(tokio::spawn(worker.clone().dispatch()));
            tasks.extend((0..SYSTEM_JOBS.min(count)).map(|_| tokio::spawn(worker.clone().do_system_jobs())));
        }
        Self { worker, tasks }
    }

    /// Lets the items in hand finish and starts no others.
    pub async fn stop(self) {
        self.worker.0.stopping.store(true, Ordering::SeqCst);
        self.worker.0.stop.notify_waiters();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker ended badly");
            }
        }
    }
}

impl Worker {
    /// A worker to be driven by hand, turn by turn.
    pub fn new(registry: Arc<Registry>, handlers: Vec<Registered>) -> Self {
        Self::of(registry, handlers, Vec::new(), 1)
    }

    /// The same, for system jobs alone.
    pub fn of_system_jobs(registry: Arc<Registry>, system_jobs: Vec<Arc<dyn SystemJobs>>) -> Self {
        Self::of(registry, Vec::new(), system_jobs, 1)
    }

    fn of(
        registry: Arc<Registry>,
        handlers: Vec<Registered>,
        system_jobs: Vec<Arc<dyn SystemJobs>>,
        workers: usize,
    ) -> Self {
        let (slots, stopping, stop) = (Slots::new(workers), AtomicBool::new(false), Notify::new());
        Self(Arc::new(Node { registry, handlers, system_jobs, slots, stopping, stop }))
    }

    /// Begins turns while there is room, each in a task of its own.
    async fn dispatch(self) {
        let node = &self.0;
        let mut turns = JoinSet::new();
        while !node.stopping.load(Ordering::SeqCst) {
            // what happens from here on is not missed
            let (announced, freed, stop) =
                (node.registry.tickets().announced(), node.slots.freed(), node.stop.notified());
            match self.take().await {
                Ok(Some((ticket, slot))) => {
                    let worker = self.clone();
                    turns.spawn(async move {
                        worker.serve(&ticket).await;
                        drop(slot);
                    });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = error.log_line(), "no work could be looked for"),
            }
            while turns.try_join_next().is_some() {}
            tokio::select! {
                () = announced => {}
                () = freed => {}
                () = stop => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let ended = async { while turns.join_next().await.is_some() {} };
        if tokio::time::timeout(ENDING, ended).await.is_err() {
            tracing::warn!("jobs did not end in time; they are done again");
        }
    }

    async fn do_system_jobs(self) {
        let node = &self.0;
        while !node.stopping.load(Ordering::SeqCst) {
            let (announced, stop) = (node.registry.tickets().announced(), node.stop.notified());
            match self.system_job().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = error.log_line(), "a system job could not be looked for"),
            }
            tokio::select! {
                () = announced => {}
                () = stop => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Does the system job that waited longest. False when none was due.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn system_job(&self) -> Result<bool> {
        system_jobs::turn(&self.0.registry, &self.0.system_jobs).await
    }

    /// Takes the ticket that waited longest and works on it for a slice. False when none was due.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn turn(&self) -> Result<bool> {
        let Some((ticket, _slot)) = self.take().await? else { return Ok(false) };
        self.serve(&ticket).await;
        Ok(true)
    }

    async fn take(&self) -> Result<Option<(tickets::Model, Slot)>> {
        let node = &self.0;
        let room = node.slots.room(&node.handlers);
        let taken = patiently(lease::take(node.registry.control(), &room, node.registry.clock().micros())).await?;
        let queue = |ticket: &tickets::Model| self.handler(ticket).map(Registered::queue);
        Ok(taken.and_then(|ticket| {
            let slot = node.slots.begin(ticket.tenant_id, queue(&ticket)?);
            Some((ticket, slot))
        }))
    }

    fn handler(&self, ticket: &tickets::Model) -> Option<&Registered> {
        self.0.handlers.iter().find(|handler| handler.queue().name == ticket.queue)
    }

    /// Works on a ticket while its lease is ours. When it cannot be done now, it is left for later.
    async fn serve(&self, ticket: &tickets::Model) {
        let Some(handler) = self.handler(ticket) else { return };
        let done = tokio::select! {
            done = self.work(ticket, handler) => done,
            lost = self.keep(ticket) => lost,
        };
        let Err(error) = done else { return };
        tracing::warn!(
            tenant.id = %ticket.tenant_id, queue = ticket.queue, error = error.log_line(), "a turn failed"
        );
        let (control, now) = (self.0.registry.control(), self.0.registry.clock().micros());
        if let Err(error) = patiently(lease::leave(control, ticket, now)).await {
            // then the lease runs out
            tracing::warn!(error = error.log_line(), "a ticket could not be given back");
        }
    }

    /// Extends the lease until it is lost.
    async fn keep(&self, ticket: &tickets::Model) -> Result<()> {
        let registry = &self.0.registry;
        loop {
            tokio::time::sleep(BEAT).await;
            if !patiently(lease::extend(registry.control(), ticket, registry.clock().micros())).await? {
                tracing::info!(tenant.id = %ticket.tenant_id, queue = ticket.queue, "another process took a turn over");
                return Ok(());
            }
        }
    }

    async fn work(&self, ticket: &tickets::Model, handler: &Registered) -> Result<()> {
        let Node { registry, stopping, .. } = &*self.0;
        let control = registry.control();
        let db = match patiently(registry.space(ticket.tenant_id)).await {
            Ok(db) => db,
            Err(error) if error.code() == Code::NotFound => return patiently(lease::remove(control, ticket)).await,
            Err(error) => return Err(error),
        };
        Turn { db: &db, handler, clock: registry.clock(), stopping }.drain().await?;
        let now = registry.clock().micros();
        patiently(lease::give_back(control, &db, ticket, handler.queue(), now)).await
    }
}
