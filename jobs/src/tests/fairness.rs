//! Nobody waits for ever for somebody else: neither for a crowd, nor for long jobs, nor for a space that hangs.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tenants::work::{Queue, Retry};
use tokio::sync::Notify;

use super::*;

/// What a test waits for at most.
const SOON: Duration = Duration::from_secs(20);

job!(Fair, Queue::short("fair"));

#[tokio::test]
async fn a_crowd_in_one_tenant_does_not_keep_another_waiting() {
    let (registry, spaces) = tenants(2).await;
    for n in 0..20 {
        put::<Fair>(&spaces[0], &format!("crowd {n}")).await;
    }
    put::<Fair>(&spaces[1], "single").await;
    let scribe = Scribe::<Fair>::new([]);
    let worker = worker(&registry, &scribe);
    assert!(worker.turn().await.unwrap());
    assert!(worker.turn().await.unwrap());
    assert!(scribe.seen().contains(&"single".to_owned()));
}

job!(Back, Queue::long("back"));

#[tokio::test]
async fn a_job_that_continues_goes_behind_the_others_of_its_queue() {
    let (registry, spaces) = tenants(1).await;
    put::<Back>(&spaces[0], "long").await;
    put::<Back>(&spaces[0], "short").await;
    let scribe = Scribe::<Back>::new([Ok(Next::Continue), Ok(Next::Done), Ok(Next::Continue)]);
    work_off(&worker(&registry, &scribe)).await;
    assert_eq!(scribe.seen(), ["long", "short", "long", "long"]);
}

job!(Long, Queue::long("fair.long"));
job!(Email, Queue::short("fair.email"));

/// A job that goes on until somebody has had enough.
struct Endless {
    steps: AtomicUsize,
    enough: AtomicBool,
}

#[async_trait::async_trait]
impl Handler for Endless {
    type Job = Long;

    async fn run(&self, _: Long, _: &Attempt) -> Result<Next> {
        self.steps.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(if self.enough.load(Ordering::SeqCst) { Next::Done } else { Next::Continue })
    }
}

/// Tells when it was given something.
struct Postman<J>(Notify, PhantomData<fn() -> J>);

#[async_trait::async_trait]
impl<J: Note> Handler for Postman<J> {
    type Job = J;

    async fn run(&self, _: J, _: &Attempt) -> Result<Next> {
        self.0.notify_one();
        Ok(Next::Done)
    }
}

impl<J: Note> Postman<J> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Notify::new(), PhantomData))
    }

    async fn delivered(&self) {
        tokio::time::timeout(SOON, self.0.notified()).await.expect("it was delivered");
    }
}

#[tokio::test]
async fn ten_long_jobs_do_not_keep_an_email_waiting() {
    let (registry, spaces) = tenants(3).await;
    for n in 0..10 {
        put::<Long>(&spaces[n % 3], &n.to_string()).await;
    }
    let endless = Arc::new(Endless { steps: AtomicUsize::new(0), enough: AtomicBool::new(false) });
    let postman = Postman::<Email>::new();
    let handlers = vec![Registered::new(endless.clone()), Registered::new(postman.clone())];
    let workers = Workers::start(Arc::clone(&registry), handlers, Vec::new(), 2);
    while endless.steps.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    put::<Email>(&spaces[0], "hello").await;
    registry.tickets().wake();
    postman.delivered().await;
    assert!(!rows::<Long>(&spaces[0]).await.is_empty(), "the long jobs go on");
    endless.enough.store(true, Ordering::SeqCst);
    workers.stop().await;
}

const ONCE: Retry = Retry { attempts: 1, first: Duration::ZERO, longest: Duration::ZERO };

job!(Hung, Queue { timeout: Duration::from_millis(300), retry: ONCE, ..Queue::long("fair.hung") });
job!(Free, Queue::long("fair.free"));

/// Never answers.
struct Hanging(Notify);

#[async_trait::async_trait]
impl Handler for Hanging {
    type Job = Hung;

    async fn run(&self, _: Hung, _: &Attempt) -> Result<Next> {
        std::future::pending().await
    }

    async fn given_up(&self, _: Hung, _: &Attempt, why: &Error) -> Result<()> {
        assert_eq!(why.code(), Code::JobTimedOut);
        self.0.notify_one();
        Ok(())
    }
}

#[tokio::test]
async fn a_tenant_that_hangs_stops_no_other() {
    let (registry, spaces) = tenants(2).await;
    put::<Hung>(&spaces[0], "a").await;
    put::<Free>(&spaces[1], "b").await;
    let (hanging, postman) = (Arc::new(Hanging(Notify::new())), Postman::<Free>::new());
    let handlers = vec![Registered::new(hanging.clone()), Registered::new(postman.clone())];
    let workers = Workers::start(Arc::clone(&registry), handlers, Vec::new(), 1);
    postman.delivered().await;
    tokio::time::timeout(SOON, hanging.0.notified()).await.expect("the step is dropped");
    workers.stop().await;
    assert_eq!(rows::<Hung>(&spaces[0]).await[0].error.as_deref().map(code), Some("JOB_TIMED_OUT"));
}

job!(Several, Queue { per_tenant: 3, ..Queue::short("fair.several") });

/// Waits until three are there at once.
struct Meeting(tokio::sync::Barrier);

#[async_trait::async_trait]
impl Handler for Meeting {
    type Job = Several;

    async fn run(&self, _: Several, _: &Attempt) -> Result<Next> {
        self.0.wait().await;
        Ok(Next::Done)
    }
}

#[tokio::test]
async fn a_queue_may_do_several_jobs_of_a_tenant_at_once() {
    let (registry, spaces) = tenants(1).await;
    for n in 0..3 {
        put::<Several>(&spaces[0], &n.to_string()).await;
    }
    let worker = Worker::new(registry, vec![Registered::new(Arc::new(Meeting(tokio::sync::Barrier::new(3))))]);
    tokio::time::timeout(SOON, work_off(&worker)).await.expect("they meet");
    assert!(rows::<Several>(&spaces[0]).await.is_empty());
}
