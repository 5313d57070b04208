//! A hundred writers at once.

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::json;
use tenants::Code;

use crate::engine::{self, WriteKind, write::world::World};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_leaves_no_gap_in_the_feed() {
    let world = World::new().await;
    let driver = world.create("person", json!({"lastName": "Driver"})).await.unwrap();
    let one = |i: usize| {
        let world = &world;
        async move {
            let values = json!({"plate": format!("P{}", i / 2), "driver": driver.to_string(), "seats": i % 9});
            for _ in 0..20 {
                match world.create("vehicle", values.clone()).await {
                    Err(error) if error.code() == Code::Busy => continue,
                    other => return other,
                }
            }
            panic!("never free")
        }
    };
    let outcomes = join_all((0..100).map(one)).await;
    let created: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(created.len(), 50, "each plate once");
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!((error.code(), error.fields()[0].field.as_str()), (Code::ValidationFailed, "plate"), "{error:?}");
    }
    assert_eq!(world.seq().await, 51);
    let page = engine::changes(&world.ctx, 0, &[], 1_000).await.unwrap();
    let made = page.changes.iter().filter(|change| change.kind == WriteKind::Created);
    assert_eq!(
        made.map(|change| change.seq).collect::<Vec<_>>(),
        (1..=51).collect::<Vec<_>>(),
        "without gaps, in order"
    );
    let moved = page.changes.iter().filter(|change| change.kind == WriteKind::Rollup);
    assert_eq!(moved.map(|change| change.seq).collect::<Vec<_>>(), (2..=51).collect::<Vec<_>>(), "the driver's totals");
    assert_eq!(world.value("person.count", driver).await, json!(50));
    let mut numbers = HashSet::new();
    for id in created {
        assert!(numbers.insert(world.value("vehicle.number", *id).await.to_string()), "numbers are given once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn versions_count_every_change_once() {
    let world = World::new().await;
    let id = world.create("vehicle", json!({"seats": 0})).await.unwrap();
    let changes = join_all((1..=40).map(|i| world.update("vehicle", id, json!({"seats": i})))).await;
    assert!(changes.iter().all(Result::is_ok), "{changes:?}");
    assert_eq!(world.value("vehicle.version", id).await, json!(41));
    assert_eq!(world.seq().await, 41);

    let guarded = |i: i64| {
        let draft = world.draft("vehicle", json!({"seats": 100 + i}));
        engine::update(&world.ctx, world.id("vehicle"), id, draft, Some(41))
    };
    let outcomes = join_all((0..20).map(guarded)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "one of those who saw version 41");
    let page = super::history::history(&world, "vehicle", id, 200, None).await.unwrap();
    assert_eq!(page.entries.len(), 42);
    let mut seats = world.value("vehicle.seats", id).await;
    for entry in page.entries.iter().take(41) {
        assert_eq!(entry.changes[0].to, seats, "the history leads from value to value");
        seats = entry.changes[0].from.clone();
    }
}
