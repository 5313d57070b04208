//! Tickets: work is never without one, and one that is there costs no write.

use std::time::Duration;

use entities::control::tickets;
use sea_orm::QuerySelect;
use tenants::work::Queue;

use super::*;

job!(Armed, Queue::short("armed"));

#[tokio::test]
async fn a_ticket_that_is_armed_costs_no_write() {
    let (registry, spaces) = tenants(1).await;
    put::<Armed>(&spaces[0], "a").await;
    // whoever writes to the ticket now has to wait
    let hold = registry.control().begin().await.unwrap();
    let own = tickets::Entity::find_by_id((spaces[0].tenant(), Armed::QUEUE.name.to_owned()));
    assert!(own.lock_exclusive().one(&hold).await.unwrap().is_some());
    let second = tokio::time::timeout(Duration::from_secs(5), put::<Armed>(&spaces[0], "b"));
    second.await.expect("it waits for nobody");
    hold.rollback().await.unwrap();
    let scribe = Scribe::<Armed>::new([]);
    work_off(&worker(&registry, &scribe)).await;
    assert_eq!(scribe.seen(), ["a", "b"]);
}

job!(Racing, Queue::short("racing"));

#[tokio::test]
async fn work_that_relies_on_a_ticket_while_it_is_given_back_is_done() {
    let (registry, spaces) = tenants(1).await;
    let db = &spaces[0];
    let scribe = Scribe::<Racing>::new([]);
    let worker = worker(&registry, &scribe);
    for n in 0..5 {
        put::<Racing>(db, "first").await;
        let tx = db.begin_write().await.unwrap();
        let item = NewWork::of(&Racing::of("second", None), registry.clock().micros()).unwrap();
        enqueue(db, &tx, item, testing::NOW).await.unwrap();
        let turn = {
            let worker = worker.clone();
            tokio::spawn(async move { worker.turn().await.unwrap() })
        };
        // the turn is somewhere between its start and the wait for the writer, another place each time
        for _ in 0..n * 40 {
            tokio::task::yield_now().await;
        }
        tx.commit().await.unwrap();
        assert!(turn.await.unwrap());
        registry.clock().advance(2_000_000);
        work_off(&worker).await;
        assert_eq!(scribe.seen().iter().filter(|text| *text == "second").count(), n + 1);
    }
    assert!(
        tickets::Entity::find_by_id((db.tenant(), Racing::QUEUE.name.to_owned()))
            .one(registry.control().read())
            .await
            .unwrap()
            .is_none(),
        "nothing is left to do"
    );
}

job!(Waiting, Queue::short("waiting"));

#[tokio::test]
async fn a_ticket_waits_for_the_earliest_job() {
    let (registry, spaces) = tenants(1).await;
    put::<Waiting>(&spaces[0], "a").await;
    let later = testing::NOW + 3_600_000_000;
    let scribe = Scribe::<Waiting>::new([Ok(Next::At(later))]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    let ticket = tickets::Entity::find_by_id((spaces[0].tenant(), Waiting::QUEUE.name.to_owned()));
    assert_eq!(ticket.one(registry.control().read()).await.unwrap().unwrap().due, later);
    put::<Waiting>(&spaces[0], "b").await;
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["a", "b"]);
    registry.clock().advance(3_600_000_000);
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["a", "b", "a"]);
}
