//! Work that was given up is listed, tried again or discarded by people, counted, and forgotten in time.

use entities::ids::WorkId;
use tenants::work::Queue;

use super::*;
use crate::{failed, measures};

const DAY: i64 = 24 * 3_600_000_000;

fn refused() -> Result<Next> {
    Err(Error::new(Code::BadRequest, "The server said 550."))
}

async fn listed(db: &TenantDb) -> Vec<failed::FailedJob> {
    failed::list(db, &testing::caller(db), 10, None).await.unwrap()
}

fn id(job: &failed::FailedJob) -> WorkId {
    job.id.parse().unwrap()
}

job!(Again, Queue::short("again"));

#[tokio::test]
async fn it_is_tried_again_by_hand_once() {
    let (registry, spaces) = tenants(1).await;
    let (db, caller) = (&spaces[0], testing::caller(&spaces[0]));
    put_keyed::<Again>(db, "a", Some("k")).await;
    let scribe = Scribe::<Again>::new([refused()]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    let job = listed(db).await.remove(0);
    assert_eq!((job.error.as_str(), job.attempts), ("BAD_REQUEST: The server said 550.", 1));
    // its key is free for others meanwhile
    put_keyed::<Again>(db, "b", Some("k")).await;
    failed::retry(db, &caller, id(&job)).await.unwrap();
    assert_eq!(failed::retry(db, &caller, id(&job)).await.unwrap_err().code(), Code::NotFound);
    assert!(rows::<Again>(db).await.iter().any(|row| row.by_hand));
    work_off(&worker).await;
    let mut seen = scribe.seen();
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
    assert!(listed(db).await.is_empty() && rows::<Again>(db).await.is_empty());
}

job!(Listed, Queue::short("listed"));

#[tokio::test]
async fn it_is_listed_page_by_page_until_it_is_discarded() {
    let (registry, spaces) = tenants(1).await;
    let (db, caller) = (&spaces[0], testing::caller(&spaces[0]));
    for text in ["a", "b", "c"] {
        put::<Listed>(db, text).await;
    }
    let worker = worker(&registry, &Scribe::<Listed>::new((0..3).map(|_| refused())));
    work_off(&worker).await;
    let all = listed(db).await;
    let mut paged = failed::list(db, &caller, 2, None).await.unwrap();
    paged.extend(failed::list(db, &caller, 2, Some(id(&paged[1]))).await.unwrap());
    assert_eq!((all.len(), &paged), (3, &all));
    failed::discard(db, &caller, id(&all[1])).await.unwrap();
    assert_eq!(failed::discard(db, &caller, id(&all[1])).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(listed(db).await, [all[0].clone(), all[2].clone()]);
    let gone = failed::list(db, &caller, 2, Some(id(&all[1]))).await.unwrap_err();
    assert_eq!(gone.code(), Code::BadCursor);
}

job!(Counted, Queue::short("counted"));

async fn load(registry: &Registry) -> Option<(i64, i64)> {
    let loads = measures::load(registry.control()).await.unwrap();
    loads.into_iter().find(|load| load.queue == Counted::QUEUE.name).map(|load| (load.waiting, load.failed))
}

#[tokio::test]
async fn it_is_counted_until_it_is_forgotten() {
    let (registry, spaces) = tenants(1).await;
    put::<Counted>(&spaces[0], "bad").await;
    assert_eq!(load(&registry).await, Some((1, 0)));
    put::<Counted>(&spaces[0], "later").await;
    let scribe = Scribe::<Counted>::new([refused(), Ok(Next::At(testing::NOW + DAY))]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    assert_eq!(load(&registry).await, Some((1, 1)));
    registry.clock().advance(DAY);
    work_off(&worker).await;
    assert_eq!(load(&registry).await, Some((0, 1)));
    registry.clock().advance(30 * DAY);
    work_off(&worker).await;
    assert_eq!(load(&registry).await, None);
    assert!(rows::<Counted>(&spaces[0]).await.is_empty());
}
