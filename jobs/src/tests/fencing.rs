//! A process that was taken for dead commits nothing more.

use entities::control::tickets;
use tenants::work::Queue;

use super::*;
use crate::{item, lease, slots::Room};

/// Takes the ticket of a queue as another process would.
async fn take(registry: &Registry, queue: &'static str) -> Option<tickets::Model> {
    let room = Room { queues: vec![queue], busy: Vec::new() };
    lease::take(registry.control(), &[room], registry.clock().micros()).await.unwrap()
}

job!(Orphan, Queue::short("orphan"));

#[tokio::test]
async fn work_of_a_node_that_died_is_taken_over_when_its_lease_ends() {
    let (registry, spaces) = tenants(1).await;
    put::<Orphan>(&spaces[0], "a").await;
    assert!(take(&registry, Orphan::QUEUE.name).await.is_some());
    let scribe = Scribe::<Orphan>::new([]);
    let worker = worker(&registry, &scribe);
    assert!(!worker.turn().await.unwrap());
    registry.clock().advance(16_000_000);
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["a"]);
}

job!(Late, Queue::short("late"));

#[tokio::test]
async fn who_lost_a_job_neither_commits_nor_ends_it() {
    let (registry, spaces) = tenants(1).await;
    let db = &spaces[0];
    put::<Late>(db, "a").await;
    let old = item::take(db, &Late::QUEUE, &[], testing::NOW).await.unwrap().unwrap();
    let fenced = db.fenced(item::fence(&old));
    let write = async |db: &TenantDb, text: &str| {
        let tx = db.begin_write().await.unwrap();
        let item = NewWork::of(&Late::of(text, None), testing::NOW + 1).unwrap();
        enqueue(db, &tx, item, testing::NOW).await.unwrap();
        tx.commit().await
    };
    write(&fenced, "mine").await.unwrap();
    let new = item::take(db, &Late::QUEUE, &[], testing::NOW).await.unwrap().unwrap();
    assert_eq!(new.id, old.id);
    let refused = Error::from(write(&fenced, "not mine").await.unwrap_err());
    assert_eq!(refused.code(), Code::Busy);
    item::done(db, &old, testing::NOW).await.unwrap();
    item::postpone(db, &old, &Error::of(Code::Unavailable), testing::NOW).await.unwrap();
    item::give_up(db, &old, &Error::of(Code::Internal), testing::NOW).await.unwrap();
    let row = rows::<Late>(db).await.into_iter().find(|row| row.id == new.id).unwrap();
    assert_eq!((row.epoch, row.attempts, row.failed_at), (new.epoch, 0, None));
    write(&db.fenced(item::fence(&new)), "ours").await.unwrap();
    assert_eq!(rows::<Late>(db).await.len(), 3, "the job, and what its holders added");
    let _ = registry;
}

job!(Twice, Queue::short("twice"));

#[tokio::test]
async fn two_processes_do_each_job_once() {
    let (registry, spaces) = tenants(2).await;
    for n in 0..20 {
        put::<Twice>(&spaces[n % 2], &n.to_string()).await;
    }
    let scribe = Scribe::<Twice>::new([]);
    let (one, other) = (worker(&registry, &scribe), worker(&registry, &scribe));
    tokio::join!(work_off(&one), work_off(&other));
    let mut seen: Vec<u32> = scribe.seen().iter().map(|text| text.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}
