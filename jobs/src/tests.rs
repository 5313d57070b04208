//! Work that waits is done once, in turn between tenants, and again after a failure or a crash.

use std::sync::{Arc, Mutex};

use sea_orm::TransactionSession;
use tenants::{
    Code, Error, Registry, TenantDb,
    error::Result,
    testing,
    work::{NewWork, enqueue},
};

use super::*;

/// Writes down what it is given; fails as often as it is told.
struct Scribe {
    seen: Mutex<Vec<String>>,
    failures: Mutex<u32>,
    queue: &'static str,
}

#[async_trait::async_trait]
impl Handler for Scribe {
    fn queue(&self) -> &'static str {
        self.queue
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(Error::of(Code::Unavailable));
        }
        self.seen.lock().unwrap().push(job.payload.as_str().unwrap_or_default().to_owned());
        Ok(Next::Done)
    }
}

fn scribe(queue: &'static str, failures: u32) -> Arc<Scribe> {
    Arc::new(Scribe { seen: Mutex::default(), failures: Mutex::new(failures), queue })
}

async fn tenants(count: usize) -> (Arc<Registry>, Vec<TenantDb>) {
    let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
    let mut spaces = Vec::new();
    for _ in 0..count {
        let (id, _) = registry.create(testing::organisation(), owner.clone()).await.unwrap();
        spaces.push(registry.space(id).await.unwrap());
    }
    (Arc::new(registry), spaces)
}

async fn put(db: &TenantDb, queue: &'static str, text: &str, key: Option<&str>) {
    let tx = db.begin_write().await.unwrap();
    let item = NewWork { queue, payload: text.into(), due: testing::NOW, key: key.map(str::to_owned) };
    enqueue(db, &tx, item, testing::NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn work_off(worker: &Worker) {
    while worker.turn().await.unwrap() {}
}

#[tokio::test]
async fn work_is_done_once_and_a_key_keeps_it_single() {
    let (registry, spaces) = tenants(2).await;
    put(&spaces[0], "once", "a", None).await;
    put(&spaces[1], "once", "b", Some("k")).await;
    put(&spaces[1], "once", "b again", Some("k")).await;
    let scribe = scribe("once", 0);
    let worker = Worker::new(registry, vec![scribe.clone()]);
    work_off(&worker).await;
    let mut seen = scribe.seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
    assert!(!worker.turn().await.unwrap());
}

#[tokio::test]
async fn work_that_was_rolled_back_is_not_done() {
    let (registry, spaces) = tenants(1).await;
    let tx = spaces[0].begin_write().await.unwrap();
    let item = NewWork { queue: "undone", payload: "x".into(), due: testing::NOW, key: None };
    enqueue(&spaces[0], &tx, item, testing::NOW).await.unwrap();
    tx.rollback().await.unwrap();
    let scribe = scribe("undone", 0);
    work_off(&Worker::new(registry, vec![scribe.clone()])).await;
    assert!(scribe.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn work_that_fails_for_a_while_is_done_later() {
    let (registry, spaces) = tenants(1).await;
    put(&spaces[0], "later", "a", None).await;
    let scribe = scribe("later", 2);
    let worker = Worker::new(Arc::clone(&registry), vec![scribe.clone()]);
    for _ in 0..4 {
        work_off(&worker).await;
        registry.clock().advance(10_000_000);
    }
    assert_eq!(*scribe.seen.lock().unwrap(), ["a"]);
}

#[tokio::test]
async fn work_that_does_not_open_in_its_row_keeps_no_other_waiting() {
    use entities::tenant::work;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
    let (registry, spaces) = tenants(1).await;
    put(&spaces[0], "moved", "a", None).await;
    let own = work::Column::Queue.eq("moved");
    let row = work::Entity::find().filter(own.clone()).one(&spaces[0]).await.unwrap().unwrap();
    put(&spaces[0], "moved", "b", None).await;
    let moved = work::Entity::update_many().col_expr(work::Column::Payload, Expr::value(row.payload));
    moved.filter(own).exec(&spaces[0]).await.unwrap();
    let scribe = scribe("moved", 0);
    work_off(&Worker::new(registry, vec![scribe.clone()])).await;
    assert_eq!(*scribe.seen.lock().unwrap(), ["a"], "the copy is not done");
}

#[tokio::test]
async fn a_crowd_in_one_tenant_does_not_keep_another_waiting() {
    let (registry, spaces) = tenants(2).await;
    for n in 0..20 {
        put(&spaces[0], "fair", &format!("crowd {n}"), None).await;
    }
    put(&spaces[1], "fair", "single", None).await;
    let scribe = scribe("fair", 0);
    let worker = Worker::new(registry, vec![scribe.clone()]);
    assert!(worker.turn().await.unwrap());
    assert!(worker.turn().await.unwrap());
    assert!(scribe.seen.lock().unwrap().contains(&"single".to_owned()));
}

#[tokio::test]
async fn work_of_a_node_that_died_is_taken_over_when_its_lease_ends() {
    let (registry, spaces) = tenants(1).await;
    put(&spaces[0], "orphan", "a", None).await;
    let taken = lease::take(registry.control(), &["orphan"], testing::NOW).await.unwrap();
    assert!(taken.is_some());
    let scribe = scribe("orphan", 0);
    let worker = Worker::new(Arc::clone(&registry), vec![scribe.clone()]);
    assert!(!worker.turn().await.unwrap());
    registry.clock().advance(31_000_000);
    work_off(&worker).await;
    assert_eq!(*scribe.seen.lock().unwrap(), ["a"]);
}
