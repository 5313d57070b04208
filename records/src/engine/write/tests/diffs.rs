//! The feed with values, and how long it is kept.

use std::collections::BTreeMap;

use entities::ids::{ObjectId, RecordId};
use serde_json::{Value as Json, json};
use tenants::{Code, testing::NOW};

use super::history::history;
use crate::{
    engine::{
        self, Diff, Place, ValueChange, WriteKind,
        retention::{self, Swept},
        write::world::World,
    },
    values,
};

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// What was done to a record, and its fields from what to what.
type Told = (WriteKind, RecordId, BTreeMap<String, Json>);

fn told(world: &World, diff: &Diff) -> Told {
    let shown = |change: &ValueChange, kind| match change {
        ValueChange::Values(old, new) => json!([values::json_of_kind(kind, old), values::json_of_kind(kind, new)]),
        ValueChange::Sealed => json!("sealed"),
    };
    let fields = diff.fields.iter().map(|(id, change)| {
        let field = world.ctx.catalog.field(*id).unwrap();
        (field.name.clone(), shown(change, &field.kind))
    });
    (diff.kind, diff.record.unwrap(), fields.collect())
}

/// Everything from a place on, in parts of so many changes.
async fn all(world: &World, from: Place, most: u32, object: ObjectId) -> Vec<Told> {
    let (mut from, mut found) = (from, Vec::new());
    loop {
        let part = engine::diffs(&world.ctx, from, most, &|diff| diff.object == object).await.unwrap();
        found.extend(part.diffs.iter().map(|diff| told(world, diff)));
        if part.left == 0 {
            assert_eq!(part.next, Place::after(world.seq().await));
            return found;
        }
        assert!(part.next > from, "it goes on");
        from = part.next;
    }
}

fn fields(of: Json) -> BTreeMap<String, Json> {
    serde_json::from_value(of).unwrap()
}

#[tokio::test]
async fn changes_carry_what_fields_were_and_became() {
    let world = World::new().await;
    let person = world.id("person");
    let id = world.create("person", json!({"lastName": "A", "tags": ["x"], "mood": "fine"})).await.unwrap();
    world.update("person", id, json!({"lastName": "B", "mood": "better"})).await.unwrap();
    world.update("person", id, json!({"mood": "best", "tags": null})).await.unwrap();
    engine::archive(&world.ctx, person, id).await.unwrap();
    for most in [1, 2, 100] {
        let found = all(&world, Place::after(0), most, person).await;
        let created = json!({"name": [null, "A"], "lastName": [null, "A"], "tags": [null, ["x"]],
            "mood": [null, "fine"], "vip": [null, false]});
        let expected = [
            (WriteKind::Created, id, fields(created)),
            (
                WriteKind::Updated,
                id,
                fields(json!({"name": ["A", "B"], "lastName": ["A", "B"], "mood": ["fine", "better"]})),
            ),
            (WriteKind::Updated, id, fields(json!({"mood": ["better", "best"], "tags": [["x"], null]}))),
            (WriteKind::Archived, id, fields(json!({}))),
        ];
        assert_eq!(found, expected);
    }
    let page = history(&world, "person", id, 10, None).await.unwrap();
    let shown: Vec<&str> =
        page.entries.iter().flat_map(|entry| &entry.changes).map(|change| change.field.as_str()).collect();
    assert!(!shown.contains(&"mood"), "people are not shown it: {shown:?}");
}

#[tokio::test]
async fn new_links_are_those_that_it_was_created_with() {
    let world = World::new().await;
    let mut people = Vec::new();
    for name in ["A", "B", "C"] {
        people.push(world.create("person", json!({"lastName": name})).await.unwrap().to_string());
    }
    people.sort();
    let [a, b, c] = [&people[0], &people[1], &people[2]];
    let from = Place::after(world.seq().await);
    let vehicle = world.create("vehicle", json!({"plate": "1", "users": [a, b], "driver": a})).await.unwrap();
    world.update("vehicle", vehicle, json!({"users": [b, c], "driver": b})).await.unwrap();
    world.update("vehicle", vehicle, json!({"users": []})).await.unwrap();
    let found = all(&world, from, 100, world.id("vehicle")).await;
    assert_eq!(found[0].2["users"], json!([null, [a, b]]), "{found:?}");
    assert_eq!(found[0].2["driver"], json!([null, a]));
    assert_eq!(found[0].2["number"], json!([null, "V-0001"]));
}

#[tokio::test]
async fn what_was_destroyed_stays_erased() {
    let world = World::new().await;
    let person = world.id("person");
    let id = world.create("person", json!({"lastName": "A"})).await.unwrap();
    world.update("person", id, json!({"lastName": "B"})).await.unwrap();
    engine::destroy(&world.ctx, person, id).await.unwrap();
    let found = all(&world, Place::after(0), 100, person).await;
    let kinds: Vec<WriteKind> = found.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, [WriteKind::Created, WriteKind::Updated, WriteKind::Destroyed]);
    assert!(found.iter().all(|(_, _, fields)| fields.is_empty()), "{found:?}");
}

#[tokio::test]
async fn old_changes_are_deleted_and_the_feed_says_so() {
    let world = World::new().await;
    let (db, person) = (&world.ctx.db, world.id("person"));
    for name in ["A", "B", "C"] {
        world.create("person", json!({"lastName": name})).await.unwrap();
    }
    assert_eq!(retention::sweep(db, NOW + 4_000 * DAY).await.unwrap(), Swept::Never, "unless somebody says so");
    assert_eq!(retention::set_keep_days(db, 29, NOW).await.unwrap_err().code(), Code::ValidationFailed);
    retention::set_keep_days(db, 30, NOW).await.unwrap();
    assert_eq!(retention::sweep(db, NOW + 30 * DAY).await.unwrap(), Swept::Until(NOW + 31 * DAY));
    assert_eq!(engine::changes(&world.ctx, 0, &[], 10).await.unwrap().changes.len(), 3);
    assert_eq!(retention::sweep(db, NOW + 31 * DAY).await.unwrap(), Swept::More);
    assert!(matches!(retention::sweep(db, NOW + 31 * DAY).await.unwrap(), Swept::Until(_)));

    let expired = engine::changes(&world.ctx, 2, &[], 10).await.unwrap_err();
    assert_eq!(expired.code(), Code::FeedExpired);
    let expired = engine::diffs(&world.ctx, Place::after(2), 10, &|_| true).await.unwrap_err();
    assert_eq!(expired.code(), Code::FeedExpired);
    let (last, id) = (world.seq().await, world.create("person", json!({"lastName": "D"})).await.unwrap());
    let page = engine::changes(&world.ctx, last, &[], 10).await.unwrap();
    assert_eq!((page.changes[0].record, page.changes.len()), (Some(id), 1));
    assert_eq!(all(&world, Place::after(last), 10, person).await.len(), 1);
}
