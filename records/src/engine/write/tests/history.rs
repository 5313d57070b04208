//! History of a record and the feed of all.

use serde_json::json;
use tenants::{Actor, Code};

use crate::engine::{self, WrittenKind, write::world::World};

#[tokio::test]
async fn a_record_tells_what_happened_to_it() {
    let world = World::new().await;
    let person = world.id("person");
    let id = world.create("person", json!({"lastName": "A", "tags": ["x"]})).await.unwrap();
    world.update("person", id, json!({"tags": ["x", "y"], "email": "A@x.org"})).await.unwrap();
    engine::archive(&world.ctx, person, id).await.unwrap();

    let page = engine::history(&world.ctx, person, id, 2, None).await.unwrap();
    let kinds: Vec<_> = page.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!((kinds.as_slice(), page.has_next), ([WrittenKind::Archived, WrittenKind::Updated].as_slice(), true));
    let mut changes: Vec<_> =
        page.entries[1].changes.iter().map(|c| (c.field.as_str(), c.from.clone(), c.to.clone())).collect();
    changes.sort_by_key(|(field, ..)| *field);
    let expected = [("email", json!(null), json!("a@x.org")), ("tags", json!(["x"]), json!(["x", "y"]))];
    assert_eq!(changes, expected);
    assert_eq!((page.entries[0].actor, page.entries[0].origin.as_str()), (Actor::System, "CLI"));

    let after = page.entries[1].cursor.clone();
    let page = engine::history(&world.ctx, person, id, 2, Some(after)).await.unwrap();
    assert_eq!((page.entries.len(), page.entries[0].kind, page.has_next), (1, WrittenKind::Created, false));
    let error = engine::history(&world.ctx, person, id, 2, Some("x".into())).await.unwrap_err();
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
