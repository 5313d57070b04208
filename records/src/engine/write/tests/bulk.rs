//! Batches of an import.

use entities::ids::FieldId;
use serde_json::{Value as Json, json};
use tenants::Code;

use crate::engine::{
    BatchMode, BatchRow, OnDuplicate, RowResult, refresh_statistics,
    runs::{self, NewRun, Run, RunKind},
    write::world::World,
    write_batch,
};

pub(super) async fn import(world: &World) -> Run {
    let object = Some(world.id("person"));
    let new = NewRun { kind: RunKind::Import, object, params: json!({}), progress: json!({"line": 0}) };
    let run = runs::create(&world.ctx, new).await.unwrap();
    runs::claim(&world.ctx, run.id).await.unwrap().unwrap()
}

pub(super) fn rows(world: &World, object: &str, rows: &[Json]) -> Vec<BatchRow> {
    let draft = |(i, row): (usize, &Json)| BatchRow { line: i as u64 + 2, draft: world.draft(object, row.clone()) };
    rows.iter().enumerate().map(draft).collect()
}

pub(super) fn mode(match_on: &[FieldId], on_duplicate: OnDuplicate) -> BatchMode {
    BatchMode { match_on: match_on.to_vec(), on_duplicate, dry_run: false }
}

fn reported(results: &[crate::engine::RowOutcome]) -> Vec<String> {
    let name = |result: &RowResult| match result {
        RowResult::Created(_) => "created".to_owned(),
        RowResult::Updated(_) => "updated".to_owned(),
        RowResult::Unchanged(_) => "unchanged".to_owned(),
        RowResult::Skipped(_) => "skipped".to_owned(),
        RowResult::Failed(issues) => format!("{}:{}", issues[0].field, issues[0].issue.code()),
    };
    results.iter().map(|row| format!("{} {}", row.line, name(&row.result))).collect()
}

#[tokio::test]
async fn bad_rows_leave_their_neighbours_alone() {
    let world = World::new().await;
    let run = import(&world).await;
    world.create("vehicle", json!({"plate": "A"})).await.unwrap();
    let batch = rows(
        &world,
        "vehicle",
        &[
            json!({"plate": "a"}),
            json!({"plate": "B", "seats": 4}),
            json!({"driver": entities::ids::RecordId::new().to_string()}),
            json!({"plate": "b"}),
            json!({"seats": 2}),
        ],
    );
    let mode = mode(&[], OnDuplicate::Create);
    let outcomes = write_batch(&world.ctx, &run, world.id("vehicle"), batch, &mode, &mut |_| Ok(json!({"line": 6})))
        .await
        .unwrap();
    let expected = ["2 plate:TAKEN", "3 created", "4 driver:NO_SUCH_RECORD", "5 plate:TAKEN", "6 created"];
    assert_eq!(reported(&outcomes), expected);
    let run = runs::load(&world.ctx, run.id).await.unwrap();
    assert_eq!((run.matched, run.changed, run.failed), (5, 2, 3));
    assert_eq!(run.progress, json!({"line": 6}));
}

#[tokio::test]
async fn duplicates_are_found_in_the_table_and_in_the_batch() {
    for (on_duplicate, expected, count) in [
        (OnDuplicate::Skip, ["2 skipped", "3 created", "4 skipped", "5 created"], 3),
        (OnDuplicate::Update, ["2 updated", "3 created", "4 updated", "5 created"], 3),
        (OnDuplicate::Create, ["2 created", "3 created", "4 created", "5 created"], 5),
    ] {
        let world = World::new().await;
        let run = import(&world).await;
        world.create("person", json!({"lastName": "Old", "email": "a@x.org"})).await.unwrap();
        let batch = rows(
            &world,
            "person",
            &[
                json!({"lastName": "A", "email": "A@X.org"}),
                json!({"lastName": "B", "email": "b@x.org"}),
                json!({"lastName": "C", "email": "B@x.org"}),
                json!({"lastName": "D"}),
            ],
        );
        let mode = mode(&[world.field("person.email")], on_duplicate);
        let outcomes =
            write_batch(&world.ctx, &run, world.id("person"), batch, &mode, &mut |_| Ok(json!({}))).await.unwrap();
        assert_eq!(reported(&outcomes), expected, "{on_duplicate:?}");
        assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o0""#).await, count);
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = World::new().await;
    let run = import(&world).await;
    let batch = rows(&world, "vehicle", &[json!({"plate": "A"}), json!({"plate": "a"})]);
    let mode = BatchMode { dry_run: true, ..mode(&[], OnDuplicate::Create) };
    let outcomes = write_batch(&world.ctx, &run, world.id("vehicle"), batch, &mode, &mut |_| Ok(json!({"line": 3})))
        .await
        .unwrap();
    assert_eq!(reported(&outcomes), ["2 created", "3 plate:TAKEN"]);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, 0);
    let reported = runs::load(&world.ctx, run.id).await.unwrap();
    assert_eq!((reported.progress, reported.failed), (json!({"line": 3}), 1), "but the run knows how far it is");
    let next = world.create("vehicle", json!({})).await.unwrap();
    assert_eq!(world.value("vehicle.number", next).await, json!("V-0001"), "its numbers were given back");
}

#[tokio::test]
async fn who_lost_the_run_writes_nothing() {
    let world = World::new().await;
    let run = import(&world).await;
    assert!(runs::claim(&world.ctx, run.id).await.unwrap().is_none(), "it is in hand");
    world.ctx.caller.clock.advance(61_000_000);
    let other = runs::claim(&world.ctx, run.id).await.unwrap().unwrap();
    let batch = || rows(&world, "vehicle", &[json!({"plate": "A"})]);
    let mode = mode(&[], OnDuplicate::Create);
    let vehicle = world.id("vehicle");
    let error = write_batch(&world.ctx, &run, vehicle, batch(), &mode, &mut |_| Ok(json!({}))).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    runs::cancel(&world.ctx, run.id).await.unwrap();
    let error = write_batch(&world.ctx, &other, vehicle, batch(), &mode, &mut |_| Ok(json!({}))).await.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, 0);
}

#[tokio::test]
async fn a_whole_batch_is_written_with_what_follows() {
    let world = World::new().await;
    let run = import(&world).await;
    let people: Vec<Json> = (0..2_000)
        .map(|i| json!({"firstName": format!("F{i}"), "lastName": "L", "email": format!("p{i}@x.org"), "tags": ["a,b", "\"q\""]}))
        .collect();
    let mode = mode(&[world.field("person.email")], OnDuplicate::Skip);
    let batch = rows(&world, "person", &people);
    let outcomes =
        write_batch(&world.ctx, &run, world.id("person"), batch, &mode, &mut |_| Ok(json!({}))).await.unwrap();
    let RowResult::Created(id) = outcomes[1_999].result else { panic!("{:?}", outcomes[1_999]) };
    assert_eq!(world.value("person.name", id).await, json!("F1999 L"));
    assert_eq!(world.value("person.tags", id).await, json!(["a,b", "\"q\""]));
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o2""#).await, 2_000);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."changes""#).await, 4_000);
    assert_eq!(world.seq().await, 1);
}

#[tokio::test]
async fn the_planner_is_told_of_a_table_and_of_those_that_link_to_it() {
    let world = World::new().await;
    refresh_statistics(&world.ctx, world.id("person")).await.unwrap();
}
