//! History of a record and the feed of all.

use entities::ids::RecordId;
use serde_json::json;
use tenants::{Actor, Code, Result};

use crate::engine::{self, Change, HistoryPage, Mutation, WriteKind, write::world::World};

/// A page of one record's history.
pub(super) async fn history(
    world: &World,
    object: &str,
    id: RecordId,
    first: u32,
    after: Option<&str>,
) -> Result<HistoryPage> {
    let mut pages = engine::history(&world.ctx, world.id(object), &[id], first, after).await?;
    Ok(pages.remove(&id).unwrap())
}

#[tokio::test]
async fn a_record_tells_what_happened_to_it() {
    let world = World::new().await;
    let person = world.id("person");
    let id = world.create("person", json!({"lastName": "A", "tags": ["x"]})).await.unwrap();
    world.update("person", id, json!({"tags": ["x", "y"], "email": "A@x.org"})).await.unwrap();
    engine::archive(&world.ctx, person, id).await.unwrap();

    let page = history(&world, "person", id, 2, None).await.unwrap();
    let kinds: Vec<_> = page.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!((kinds.as_slice(), page.has_next), ([WriteKind::Archived, WriteKind::Updated].as_slice(), true));
    let mut changes: Vec<_> =
        page.entries[1].changes.iter().map(|c| (c.field.as_str(), c.from.clone(), c.to.clone())).collect();
    changes.sort_by_key(|(field, ..)| *field);
    let expected = [("email", json!(null), json!("a@x.org")), ("tags", json!(["x"]), json!(["x", "y"]))];
    assert_eq!(changes, expected);
    assert_eq!((page.entries[0].actor, page.entries[0].origin.as_str()), (Actor::System, "CLI"));

    let after = page.entries[1].cursor.clone();
    let page = history(&world, "person", id, 2, Some(&after)).await.unwrap();
    assert_eq!((page.entries.len(), page.entries[0].kind, page.has_next), (1, WriteKind::Created, false));
    let error = history(&world, "person", id, 2, Some("x")).await.unwrap_err();
    assert_eq!(error.code(), Code::BadCursor);
}

#[tokio::test]
async fn the_feed_gives_whole_commits_in_order() {
    let world = World::new().await;
    for i in 0..5 {
        world.create("person", json!({"lastName": format!("L{i}"), "email": format!("e{i}@x.org")})).await.unwrap();
    }
    let mut after = 0;
    let mut seqs = Vec::new();
    loop {
        let page = engine::changes(&world.ctx, after, &[], 3).await.unwrap();
        assert!(page.changes.len() <= 4, "a page ends with the commit that fills it");
        seqs.extend(page.changes.iter().map(|change| change.seq));
        after = page.last_seq;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seqs, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    let page = engine::changes(&world.ctx, 2, &[world.id("person")], 50).await.unwrap();
    assert_eq!(page.changes.iter().map(|change| change.seq).collect::<Vec<_>>(), [3, 4, 5]);
    let page = engine::changes(&world.ctx, 5, &[], 50).await.unwrap();
    assert_eq!((page.changes.len(), page.last_seq, page.has_more), (0, 5, false));
}

#[tokio::test]
async fn each_record_has_its_own_page_of_history() {
    let world = World::new().await;
    let person = world.id("person");
    let mut ids = Vec::new();
    for i in 0..4 {
        ids.push(world.create("person", json!({"lastName": format!("L{i}")})).await.unwrap());
    }
    // the first is changed three times, the second twice …
    for round in 0..3 {
        for id in &ids[..3 - round] {
            world.update("person", *id, json!({"lastName": format!("M{round}")})).await.unwrap();
        }
    }
    let vehicle = world.create("vehicle", json!({})).await.unwrap();
    let unknown = RecordId::new();
    let asked = [ids[3], ids[0], ids[2], ids[1], vehicle, unknown];
    let mut after: Option<String> = None;
    let mut left = 10;
    loop {
        let pages = engine::history(&world.ctx, person, &asked, 2, after.as_deref()).await.unwrap();
        assert_eq!(pages.len(), asked.len());
        assert!(pages[&vehicle].entries.is_empty() && pages[&unknown].entries.is_empty());
        for id in &ids {
            let alone = history(&world, "person", *id, 2, after.as_deref()).await.unwrap();
            let reported = |page: &HistoryPage| {
                let entries = page.entries.iter().map(|e| (e.at, e.kind, e.changes.clone(), e.cursor.clone()));
                (page.has_next, entries.collect::<Vec<_>>())
            };
            assert_eq!(reported(&pages[id]), reported(&alone));
        }
        left -= pages[&ids[0]].entries.len();
        if !pages[&ids[0]].has_next {
            break;
        }
        after = pages[&ids[0]].entries.last().map(|entry| entry.cursor.clone());
    }
    assert_eq!(left, 6, "the first record has four entries");
    let none = history(&world, "person", ids[0], 0, None).await.unwrap();
    assert!(none.entries.is_empty() && none.has_next, "a page of none tells whether there are any");
}

#[tokio::test]
async fn a_destroyed_record_leaves_no_value_in_the_history() {
    let world = World::new().await;
    let person = world.id("person");
    let other = world.create("person", json!({"lastName": "Stays"})).await.unwrap();
    world.update("person", other, json!({"lastName": "Remains"})).await.unwrap();
    let id = world.create("person", json!({"lastName": "Zenobia", "email": "z@quartermaine.org"})).await.unwrap();
    world.update("person", id, json!({"lastName": "Xanthippe", "tags": ["secret"]})).await.unwrap();
    let before = engine::changes(&world.ctx, 0, &[], 1_000).await.unwrap();
    // what the same transaction has noted, but not written yet, goes too
    let draft = world.draft("person", json!({"firstName": "Melusine"}));
    let change = Change::Update { id, draft, version: None };
    let both = [change, Change::Destroy { id }].map(|change| Mutation { object: person, change });
    engine::apply(&world.ctx, both.to_vec()).await.unwrap();

    let rows = world.lines(r#"SELECT "diff" FROM "tenant"."changes" WHERE "diff" IS NOT NULL"#).await;
    let left: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(left.len() == 1 && left[0].contains("Remains"), "{left:?}");
    let after = engine::changes(&world.ctx, 0, &[], 1_000).await.unwrap();
    let reported = |change: &engine::FeedChange| (change.seq, change.at, change.actor, change.record, change.kind);
    let (before, after): (Vec<_>, Vec<_>) =
        (before.changes.iter().map(reported).collect(), after.changes.iter().map(reported).collect());
    assert_eq!(after[..before.len()], before, "the feed still tells every commit");
    let kinds: Vec<_> = after[before.len()..].iter().map(|change| (change.0, change.4)).collect();
    let (updated, destroyed) = ((5, WriteKind::Updated), (5, WriteKind::Destroyed));
    assert_eq!(kinds, [updated, destroyed, destroyed], "the person and the point");
    let page = history(&world, "person", id, 9, None).await.unwrap();
    assert!(page.entries.len() == 4 && page.entries.iter().all(|entry| entry.changes.is_empty()));
}
