//! Work that waits is done once, in turn between tenants, and again after a failure or a crash.

mod failing;
mod fairness;
mod fencing;
mod given_up;
mod recurring;
mod tickets;

use std::{
    collections::VecDeque,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use entities::tenant::work;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TransactionSession, sea_query::Expr};
use tenants::{
    Code, Error, Registry, TenantDb,
    error::Result,
    testing,
    work::{Job, NewWork, enqueue},
};

use super::*;

/// A kind of job with a queue of its own: on PostgreSQL all tests share the control plane.
macro_rules! job {
    ($name:ident, $queue:expr) => {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        struct $name(String, Option<String>);

        impl tenants::work::Job for $name {
            const QUEUE: tenants::work::Queue = $queue;

            fn key(&self) -> Option<String> {
                self.1.clone()
            }

            fn subject(&self) -> String {
                "a note".to_owned()
            }
        }

        impl crate::tests::Note for $name {
            fn of(text: &str, key: Option<&str>) -> Self {
                Self(text.to_owned(), key.map(str::to_owned))
            }

            fn text(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use job;

trait Note: Job {
    fn of(text: &str, key: Option<&str>) -> Self;
    fn text(&self) -> &str;
}

/// Writes down what it is given, and ends as it is told.
struct Scribe<J> {
    seen: Mutex<Vec<String>>,
    outcomes: Mutex<VecDeque<Result<Next>>>,
    given_up: Mutex<Vec<String>>,
    kind: PhantomData<fn() -> J>,
}

#[async_trait::async_trait]
impl<J: Note> Handler for Scribe<J> {
    type Job = J;

    async fn run(&self, job: J, _: &Attempt) -> Result<Next> {
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap_or(Ok(Next::Done));
        if outcome.is_ok() {
            self.seen.lock().unwrap().push(job.text().to_owned());
        }
        outcome
    }

    async fn given_up(&self, job: J, _: &Attempt, why: &Error) -> Result<()> {
        self.given_up.lock().unwrap().push(format!("{} {}", job.text(), why.code().name()));
        Ok(())
    }
}

impl<J: Note> Scribe<J> {
    fn new(outcomes: impl IntoIterator<Item = Result<Next>>) -> Arc<Self> {
        let outcomes = Mutex::new(outcomes.into_iter().collect());
        Arc::new(Self { seen: Mutex::default(), outcomes, given_up: Mutex::default(), kind: PhantomData })
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn given_up(&self) -> Vec<String> {
        self.given_up.lock().unwrap().clone()
    }
}

fn worker<J: Note>(registry: &Arc<Registry>, scribe: &Arc<Scribe<J>>) -> Worker {
    Worker::new(Arc::clone(registry), vec![Registered::new(Arc::clone(scribe))])
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

async fn put<J: Note>(db: &TenantDb, text: &str) {
    put_keyed::<J>(db, text, None).await;
}

async fn put_keyed<J: Note>(db: &TenantDb, text: &str, key: Option<&str>) {
    let tx = db.begin_write().await.unwrap();
    enqueue(db, &tx, NewWork::of(&J::of(text, key), testing::NOW).unwrap(), testing::NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn rows<J: Note>(db: &TenantDb) -> Vec<work::Model> {
    work::Entity::find().filter(work::Column::Queue.eq(J::QUEUE.name)).all(db).await.unwrap()
}

async fn work_off(worker: &Worker) {
    while worker.turn().await.unwrap() {}
}

/// The code in what is kept of an error.
fn code(error: &str) -> &str {
    error.split_once(':').map_or(error, |(code, _)| code)
}

fn unavailable() -> Result<Next> {
    Err(Error::of(Code::Unavailable))
}

job!(Once, tenants::work::Queue::short("once"));

#[tokio::test]
async fn work_is_done_once_and_a_key_keeps_it_single() {
    let (registry, spaces) = tenants(2).await;
    put::<Once>(&spaces[0], "a").await;
    put_keyed::<Once>(&spaces[1], "b", Some("k")).await;
    put_keyed::<Once>(&spaces[1], "b again", Some("k")).await;
    let scribe = Scribe::<Once>::new([]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    let mut seen = scribe.seen();
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
    assert!(!worker.turn().await.unwrap());
    assert!(rows::<Once>(&spaces[0]).await.is_empty());
}

job!(Undone, tenants::work::Queue::short("undone"));

#[tokio::test]
async fn work_that_was_rolled_back_is_not_done() {
    let (registry, spaces) = tenants(1).await;
    let tx = spaces[0].begin_write().await.unwrap();
    let item = NewWork::of(&Undone::of("x", None), testing::NOW).unwrap();
    enqueue(&spaces[0], &tx, item, testing::NOW).await.unwrap();
    tx.rollback().await.unwrap();
    let scribe = Scribe::<Undone>::new([]);
    work_off(&worker(&registry, &scribe)).await;
    assert!(scribe.seen().is_empty());
}

job!(Moved, tenants::work::Queue::short("moved"));

#[tokio::test]
async fn work_that_does_not_open_in_its_row_keeps_no_other_waiting() {
    let (registry, spaces) = tenants(1).await;
    put::<Moved>(&spaces[0], "a").await;
    let row = rows::<Moved>(&spaces[0]).await.remove(0);
    put::<Moved>(&spaces[0], "b").await;
    let moved = work::Entity::update_many().col_expr(work::Column::Payload, Expr::value(row.payload));
    moved.filter(work::Column::Queue.eq(Moved::QUEUE.name)).exec(&spaces[0]).await.unwrap();
    let scribe = Scribe::<Moved>::new([]);
    work_off(&worker(&registry, &scribe)).await;
    assert_eq!(scribe.seen(), ["a"], "the copy is not done");
}

job!(Earlier, tenants::work::Queue::short("earlier"));

#[tokio::test]
async fn work_that_waits_is_done_earlier_when_somebody_asks_for_it_again() {
    let (registry, spaces) = tenants(1).await;
    let ask = async |due: i64| {
        let tx = spaces[0].begin_write().await.unwrap();
        let item = NewWork::of(&Earlier::of("sweep", Some("sweep")), due).unwrap();
        enqueue(&spaces[0], &tx, item, testing::NOW).await.unwrap();
        tx.commit().await.unwrap();
    };
    ask(testing::NOW + 1_000_000_000).await;
    let scribe = Scribe::<Earlier>::new([]);
    let worker = worker(&registry, &scribe);
    assert!(!worker.turn().await.unwrap());
    ask(testing::NOW).await;
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["sweep"]);
    assert!(rows::<Earlier>(&spaces[0]).await.is_empty(), "one was enough");
}
