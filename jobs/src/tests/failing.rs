//! Failures that pass, failures that do not, and waiting, which is none.

use tenants::work::{Queue, Retry};

use super::*;

job!(Later, Queue::short("later"));

#[tokio::test]
async fn work_that_fails_for_a_while_is_done_later() {
    let (registry, spaces) = tenants(1).await;
    put::<Later>(&spaces[0], "a").await;
    let scribe = Scribe::<Later>::new([unavailable(), unavailable()]);
    let worker = worker(&registry, &scribe);
    for _ in 0..4 {
        work_off(&worker).await;
        registry.clock().advance(10_000_000);
    }
    assert_eq!(scribe.seen(), ["a"]);
}

const TWICE: Retry =
    Retry { attempts: 2, first: std::time::Duration::from_secs(1), longest: std::time::Duration::from_secs(1) };

job!(Waits, Queue { retry: TWICE, ..Queue::short("waits") });

#[tokio::test]
async fn waiting_is_no_failure_however_often() {
    let (registry, spaces) = tenants(1).await;
    put::<Waits>(&spaces[0], "a").await;
    let waits = (1..=20).map(|minute| Ok(Next::At(testing::NOW + minute * 60_000_000)));
    let scribe = Scribe::<Waits>::new(waits.chain([unavailable()]));
    let worker = worker(&registry, &scribe);
    for minute in 0..20 {
        work_off(&worker).await;
        assert_eq!(scribe.seen().len(), minute + 1, "it is looked at when it said");
        assert_eq!(rows::<Waits>(&spaces[0]).await[0].attempts, 0);
        registry.clock().advance(60_000_000);
    }
    work_off(&worker).await;
    registry.clock().advance(1_000_000);
    work_off(&worker).await;
    assert!(rows::<Waits>(&spaces[0]).await.is_empty());
    assert!(scribe.given_up().is_empty());
}

job!(Limps, Queue { retry: TWICE, ..Queue::short("limps") });

#[tokio::test]
async fn progress_forgets_the_failures_before_it() {
    let (registry, spaces) = tenants(1).await;
    put::<Limps>(&spaces[0], "a").await;
    let scribe = Scribe::<Limps>::new((0..10).flat_map(|_| [unavailable(), Ok(Next::Continue)]));
    let worker = worker(&registry, &scribe);
    for _ in 0..12 {
        work_off(&worker).await;
        registry.clock().advance(1_000_000);
    }
    assert_eq!(scribe.seen().len(), 11, "ten steps and the last");
    assert!(scribe.given_up().is_empty());
    assert!(rows::<Limps>(&spaces[0]).await.is_empty());
}

job!(Fails, Queue { retry: TWICE, ..Queue::short("fails") });

#[tokio::test]
async fn work_that_keeps_failing_is_given_up_and_told() {
    let (registry, spaces) = tenants(1).await;
    put::<Fails>(&spaces[0], "hopeless").await;
    put::<Fails>(&spaces[0], "good").await;
    let scribe = Scribe::<Fails>::new([unavailable(), Ok(Next::Done), unavailable()]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    assert!(scribe.given_up().is_empty(), "once is not enough");
    registry.clock().advance(1_000_000);
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["good"]);
    assert_eq!(scribe.given_up(), ["hopeless UNAVAILABLE"]);
    let left = rows::<Fails>(&spaces[0]).await.remove(0);
    let told = (left.attempts, left.error.as_deref().map(code), left.failed_at, left.subject.as_str());
    assert_eq!(told, (2, Some("UNAVAILABLE"), Some(testing::NOW + 1_000_000), "a note"));
    registry.clock().advance(1_000_000_000);
    assert!(!worker.turn().await.unwrap(), "it is not tried again by itself");
}

job!(Refuses, Queue::short("refuses"));

#[tokio::test]
async fn an_error_that_no_attempt_mends_is_given_up_at_once() {
    let (registry, spaces) = tenants(1).await;
    put::<Refuses>(&spaces[0], "a").await;
    let scribe = Scribe::<Refuses>::new([Err(Error::of(Code::NotFound))]);
    work_off(&worker(&registry, &scribe)).await;
    assert_eq!(scribe.given_up(), ["a NOT_FOUND"]);
}

job!(Panics, Queue::short("panics"));

struct Panicking;

#[async_trait::async_trait]
impl Handler for Panicking {
    type Job = Panics;

    async fn run(&self, job: Panics, _: &Attempt) -> Result<Next> {
        assert_ne!(job.text(), "bad", "a bug");
        Ok(Next::Done)
    }
}

#[tokio::test]
async fn a_panic_gives_one_job_up_and_harms_no_other() {
    let (registry, spaces) = tenants(1).await;
    put::<Panics>(&spaces[0], "bad").await;
    put::<Panics>(&spaces[0], "good").await;
    work_off(&Worker::new(registry, vec![Registered::new(Arc::new(Panicking))])).await;
    let left = rows::<Panics>(&spaces[0]).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].error.as_deref().map(code), Some("INTERNAL"));
    assert!(left[0].failed_at.is_some());
}
