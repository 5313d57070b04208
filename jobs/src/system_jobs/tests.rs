//! System jobs are done once, again after a failure or a crash, and not for ever.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tenants::{Code, testing};

use super::*;
use crate::Worker;

/// Counts what it is given, and ends as it is told.
struct Runner {
    queue: &'static str,
    seen: Mutex<Vec<String>>,
    outcome: fn(u32) -> Outcome,
    tries: AtomicU32,
}

enum Outcome {
    Done,
    Fails(Code),
    Hangs,
    Panics,
}

#[async_trait::async_trait]
impl SystemJobs for Runner {
    fn queue(&self) -> &'static str {
        self.queue
    }

    async fn run(&self, _: &str, payload: serde_json::Value) -> Result<()> {
        match (self.outcome)(self.tries.fetch_add(1, Ordering::SeqCst)) {
            Outcome::Done => self.seen.lock().unwrap().push(payload.as_str().unwrap().to_owned()),
            Outcome::Fails(code) => return Err(tenants::Error::of(code)),
            Outcome::Hangs => std::future::pending().await,
            Outcome::Panics => panic!("a bug"),
        }
        Ok(())
    }
}

/// A queue of its own: on PostgreSQL all tests share the control plane.
fn runner(outcome: fn(u32) -> Outcome) -> Arc<Runner> {
    let queue = format!("q{}", uuid::Uuid::new_v4()).leak();
    Arc::new(Runner { queue, seen: Mutex::default(), outcome, tries: AtomicU32::new(0) })
}

async fn stand(runner: &Arc<Runner>, items: usize) -> (Arc<Registry>, Worker) {
    let registry = Arc::new(testing::registry(Arc::new(testing::Bare)).await.0);
    let tx = registry.control().begin().await.unwrap();
    for n in 0..items {
        let payload = format!("letter {n}");
        let now = registry.clock().micros();
        tenants::system_jobs::enqueue(&tx, registry.master(), runner.queue, &payload, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    let worker = Worker::of_system_jobs(Arc::clone(&registry), vec![runner.clone()]);
    (registry, worker)
}

#[tokio::test]
async fn many_workers_do_every_item_once() {
    let runner = runner(|_| Outcome::Done);
    let (registry, _) = stand(&runner, 40).await;
    let workers = (0..4).map(|_| async {
        let worker = Worker::of_system_jobs(Arc::clone(&registry), vec![runner.clone()]);
        // a turn that was lost to another worker is no turn; the queue is empty when nothing is there for long
        for _ in 0..100 {
            worker.system_job().await.unwrap();
        }
    });
    join_all(workers).await;
    let mut seen = runner.seen.lock().unwrap().clone();
    seen.sort();
    let mut all: Vec<String> = (0..40).map(|n| format!("letter {n}")).collect();
    all.sort();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn what_fails_is_tried_for_about_a_day_with_growing_pauses() {
    let runner = runner(|_| Outcome::Fails(Code::Unavailable));
    let (registry, worker) = stand(&runner, 1).await;
    let (begun, mut pauses) = (registry.clock().micros(), Vec::new());
    while pauses.len() < 100 && worker.system_job().await.unwrap() {
        let failed = registry.clock().micros();
        let next = system_jobs::Entity::find().filter(system_jobs::Column::Queue.eq(runner.queue));
        let row = next.one(registry.control().read()).await.unwrap().unwrap();
        if row.failed_at.is_some() {
            break;
        }
        assert!(!worker.system_job().await.unwrap(), "not before its time");
        pauses.push((row.due - failed) / 1_000_000);
        registry.clock().advance(row.due - failed);
    }
    assert_eq!((&pauses[..4], pauses.last()), ([2, 4, 8, 16].as_slice(), Some(&3600)));
    let hours = (registry.clock().micros() - begun) / 3_600_000_000;
    assert!((12..36).contains(&hours), "{hours}");
    assert_eq!(runner.tries.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn what_can_never_be_done_is_given_up_at_once_and_forgotten_in_time() {
    let runner = runner(|_| Outcome::Fails(Code::BadRequest));
    let (registry, worker) = stand(&runner, 2).await;
    assert!(worker.system_job().await.unwrap());
    registry.clock().advance(KEPT + 1);
    assert!(worker.system_job().await.unwrap());
    assert!(!worker.system_job().await.unwrap());
    let left = system_jobs::Entity::find().filter(system_jobs::Column::Queue.eq(runner.queue));
    assert_eq!(left.all(registry.control().read()).await.unwrap().len(), 1, "the first one was kept for a month");
}

#[tokio::test]
async fn what_a_process_took_with_it_comes_back() {
    let runner = runner(|tries| if tries == 0 { Outcome::Hangs } else { Outcome::Done });
    let (registry, worker) = stand(&runner, 1).await;
    let cut = tokio::time::timeout(Duration::from_millis(300), worker.system_job()).await;
    assert!(cut.is_err(), "the process ends in the middle");
    assert!(!worker.system_job().await.unwrap(), "another may still be at it");
    registry.clock().advance(LEASE);
    assert!(worker.system_job().await.unwrap());
    assert_eq!(*runner.seen.lock().unwrap(), ["letter 0"]);
}

#[tokio::test]
async fn a_panic_gives_one_item_up_and_harms_no_other() {
    let runner = runner(|tries| if tries == 0 { Outcome::Panics } else { Outcome::Done });
    let (registry, worker) = stand(&runner, 2).await;
    while worker.system_job().await.unwrap() {}
    assert_eq!(*runner.seen.lock().unwrap(), ["letter 1"]);
    let left = system_jobs::Entity::find().filter(system_jobs::Column::Queue.eq(runner.queue));
    let left = left.one(registry.control().read()).await.unwrap().unwrap();
    assert!(left.failed_at.is_some() && left.error.unwrap().starts_with("INTERNAL"));
}
