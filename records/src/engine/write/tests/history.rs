//! History of a record and the feed of all.

use entities::ids::RecordId;
use serde_json::json;
use tenants::{Actor, Code, Result};

use crate::engine::{self, HistoryPage, WrittenKind, write::world::World};

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
    assert_eq!((kinds.as_slice(), page.has_next), ([WrittenKind::Archived, WrittenKind::Updated].as_slice(), true));
    let mut changes: Vec<_> =
        page.entries[1].changes.iter().map(|c| (c.field.as_str(), c.from.clone(), c.to.clone())).collect();
    changes.sort_by_key(|(field, ..)| *field);
    let expected = [("email", json!(null), json!("a@x.org")), ("tags", json!(["x"]), json!(["x", "y"]))];
    assert_eq!(changes, expected);
    assert_eq!((page.entries[0].actor, page.entries[0].origin.as_str()), (Actor::System, "CLI"));

    let after = page.entries[1].cursor.clone();
    let page = history(&world, "person", id, 2, Some(&after)).await.unwrap();
    assert_eq!((page.entries.len(), page.entries[0].kind, page.has_next), (1, WrittenKind::Created, false));
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
            let told = |page: &HistoryPage| {
                let entries = page.entries.iter().map(|e| (e.at, e.kind, e.changes.clone(), e.cursor.clone()));
                (page.has_next, entries.collect::<Vec<_>>())
            };
            assert_eq!(told(&pages[id]), told(&alone));
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
