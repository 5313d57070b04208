//! Changes by filter, and undo.

use std::sync::Arc;

use entities::ids::{ObjectId, RunId};
use serde_json::{Value as Json, json};
use tenants::{Access, Caller, Code};

use super::bulk::{import, mode, rows};
use crate::{
    Ctx,
    engine::{
        self, Draft, OnDuplicate, RowResult, WriteKind,
        runs::{self, NewRun, RunKind, RunStatus, StepResult},
        write::world::World,
    },
    filter::{Filter, Test},
    values::Value,
};

fn all() -> Filter {
    Filter::And(Vec::new())
}

fn born_after(world: &World, day: i64) -> Filter {
    Filter::Field { field: world.field("person.born"), test: Test::Gt(Value::Int(day)) }
}

async fn people(world: &World, count: usize) {
    let run = import(world).await;
    let person = |i: usize| json!({"lastName": format!("L{i}"), "born": if i.is_multiple_of(2) { "2000-01-01" } else { "1990-01-01" }});
    let people: Vec<Json> = (0..count).map(person).collect();
    for part in people.chunks(2_000) {
        let mode = mode(&[], OnDuplicate::Create);
        let batch = rows(world, "person", part);
        engine::write_batch(&world.ctx, &run, world.id("person"), batch, &mode, &mut |_| Ok(json!({}))).await.unwrap();
    }
    runs::finish(&world.ctx, &run, None).await.unwrap();
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_run_behind() {
    let world = World::new().await;
    people(&world, 3).await;
    let before = runs::list(&world.ctx, 50, None).await.unwrap().len();
    let mut draft = world.draft("person", json!({"vip": true}));
    draft.values.push((entities::ids::FieldId::new(), Value::Bool(true)));
    let refused = engine::update_where(&world.ctx, world.id("person"), all(), draft, true).await.unwrap();
    assert_eq!((refused.changed, refused.failed), (0, 3));
    let catalog_moves = async |by: &str| {
        let sql = format!(r#"UPDATE "tenant"."clock" SET catalog_version = catalog_version {by}"#);
        sea_orm::ConnectionTrait::execute_unprepared(&world.ctx.db, &sql).await.unwrap();
    };
    catalog_moves("+ 1").await;
    let draft = world.draft("person", json!({"vip": true}));
    let error = engine::update_where(&world.ctx, world.id("person"), all(), draft, true).await.unwrap_err();
    assert_eq!(error.code(), Code::StaleCatalog);
    catalog_moves("- 1").await;
    let after = runs::list(&world.ctx, 50, None).await.unwrap();
    assert_eq!(after.len(), before + 1, "the run and its rows are one");
    assert!(after.iter().all(|run| run.status.is_over()));
}

#[tokio::test]
async fn few_are_changed_at_once() {
    let world = World::new().await;
    people(&world, 6).await;
    let person = world.id("person");
    let draft = world.draft("person", json!({"vip": true}));
    let error = engine::update_where(&world.ctx, person, all(), draft.clone(), false).await.unwrap_err();
    assert_eq!(error.code(), Code::EmptyFilter);
    let filter = born_after(&world, 10_000);
    let result = engine::update_where(&world.ctx, person, filter.clone(), draft.clone(), false).await.unwrap();
    assert_eq!((result.status, result.matched, result.changed, result.failed), (RunStatus::Done, 3, 3, 0));
    let again = engine::update_where(&world.ctx, person, all(), draft, true).await.unwrap();
    assert_eq!((again.matched, again.changed), (6, 3));
    let bad = world.draft("person", json!({"lastName": null}));
    let refused = engine::update_where(&world.ctx, person, filter.clone(), bad, false).await.unwrap();
    assert_eq!((refused.changed, refused.failed), (0, 3));
    let archived = engine::archive_where(&world.ctx, person, filter, false).await.unwrap();
    assert_eq!((archived.status, archived.changed), (RunStatus::Done, 3));

    let undone = engine::undo(&world.ctx, archived.run.unwrap()).await.unwrap();
    assert_eq!((undone.undone, undone.skipped), (3, 0));
    let undone = engine::undo(&world.ctx, result.run.unwrap()).await.unwrap();
    assert_eq!((undone.undone, undone.skipped), (0, 3), "they were archived and restored since");
    let undone = engine::undo(&world.ctx, again.run.unwrap()).await.unwrap();
    assert_eq!((undone.undone, undone.skipped), (3, 0));
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o0" WHERE "archived_at" IS NULL"#).await, 6);
}

#[tokio::test]
async fn many_are_changed_step_by_step() {
    let world = World::new().await;
    people(&world, 2_300).await;
    let draft = world.draft("person", json!({"vip": true}));
    let begun = engine::update_where(&world.ctx, world.id("person"), all(), draft, true).await.unwrap();
    assert_eq!((begun.status, begun.matched), (RunStatus::Queued, 2_300));
    let id = begun.run.unwrap();
    assert_eq!(
        world.number(r#"SELECT count(*) FROM "tenant"."work" WHERE queue = 'records.run'"#).await,
        1,
        "a worker is asked for it"
    );
    let mut steps = 0;
    while runs::step(&world.ctx, id).await.unwrap() == StepResult::More {
        steps += 1;
    }
    assert_eq!(steps, 2);
    let run = runs::load(&world.ctx, id).await.unwrap();
    assert_eq!((run.status, run.matched, run.changed), (RunStatus::Done, 2_300, 2_300));
    assert_eq!(runs::step(&world.ctx, id).await.unwrap(), StepResult::Over);

    let report = engine::undo(&world.ctx, id).await.unwrap();
    assert_eq!((report.status, report.undone), (RunStatus::Queued, 0), "the workers do it");
    runs::to_the_end(&world.ctx, report.run).await.unwrap();
    let report = runs::undo_report(&world.ctx, report.run).await.unwrap();
    assert_eq!((report.status, report.undone, report.skipped), (RunStatus::Done, 2_300, 0));
    assert_eq!(runs::list(&world.ctx, 10, None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_import_is_undone_but_for_what_changed_since() {
    let world = World::new().await;
    let person = world.id("person");
    let old = world.create("person", json!({"lastName": "Old", "email": "old@x.org"})).await.unwrap();
    let run = import(&world).await;
    let batch = rows(
        &world,
        "person",
        &[
            json!({"lastName": "New", "email": "old@x.org"}),
            json!({"lastName": "B", "email": "b@x.org"}),
            json!({"lastName": "C", "email": "c@x.org"}),
        ],
    );
    let mode = mode(&[world.field("person.email")], OnDuplicate::Update);
    let outcomes = engine::write_batch(&world.ctx, &run, person, batch, &mode, &mut |_| Ok(json!({}))).await.unwrap();
    let ids: Vec<_> = outcomes
        .iter()
        .map(|row| match row.result {
            RowResult::Created(id) | RowResult::Updated(id) => id,
            _ => panic!("{row:?}"),
        })
        .collect();
    let error = engine::undo(&world.ctx, run.id).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict, "it is not over");
    runs::finish(&world.ctx, &run, None).await.unwrap();
    world.update("person", ids[2], json!({"lastName": "Mine"})).await.unwrap();

    let report = engine::undo(&world.ctx, run.id).await.unwrap();
    // the old name is back; B and both points are archived; C is kept
    assert_eq!((report.status, report.undone, report.skipped), (RunStatus::Done, 4, 1));
    assert_eq!((report.records[0].id, report.records[0].reason.as_str()), (ids[2], "CHANGED_SINCE"));
    assert_eq!(world.value("person.name", old).await, json!("Old"));
    assert_ne!(world.value("person.archivedAt", ids[1]).await, json!(null));
    assert_eq!(world.value("person.name", ids[2]).await, json!("Mine"));

    let report = engine::undo(&world.ctx, report.run).await.unwrap();
    assert_eq!((report.undone, report.skipped), (4, 0));
    assert_eq!(world.value("person.name", old).await, json!("New"));
    assert_eq!(world.value("person.archivedAt", ids[1]).await, json!(null));
}

#[tokio::test]
async fn an_empty_draft_changes_nothing() {
    let world = World::new().await;
    let id = world.create("person", json!({"lastName": "A"})).await.unwrap();
    let written = engine::update(&world.ctx, world.id("person"), id, Draft::default(), None).await.unwrap();
    assert_eq!(written.kind, WriteKind::Unchanged);
}

#[tokio::test]
async fn what_was_destroyed_is_named_by_the_undo() {
    let world = World::new().await;
    let (person, vehicle) = (world.id("person"), world.id("vehicle"));
    let kept = world.create("person", json!({"lastName": "Kept"})).await.unwrap();
    let lost = world.create("person", json!({"lastName": "Lost", "email": "lost@x.org"})).await.unwrap();
    let later = world.create("vehicle", json!({"plate": "L"})).await.unwrap();
    let point = world.lines(r#"SELECT "id" FROM "tenant"."o2""#).await;

    let run = import(&world).await;
    let ctx = runs::in_run(&world.ctx, &run).await.unwrap();
    for (object, id, draft) in [
        (person, kept, world.draft("person", json!({"lastName": "New"}))),
        (person, lost, world.draft("person", json!({"lastName": "Gone"}))),
        (vehicle, later, world.draft("vehicle", json!({"seats": 3}))),
    ] {
        engine::update(&ctx, object, id, draft, None).await.unwrap();
    }
    engine::destroy(&ctx, person, lost).await.unwrap();
    runs::finish(&world.ctx, &run, None).await.unwrap();
    // by somebody else, after the run
    engine::destroy(&world.ctx, vehicle, later).await.unwrap();

    let report = engine::undo(&world.ctx, run.id).await.unwrap();
    assert_eq!((report.status, report.undone, report.skipped), (RunStatus::Done, 1, 4));
    let mut named: Vec<_> = report.records.iter().map(|one| (one.id.0, one.reason.as_str())).collect();
    named.sort_unstable();
    let mut expected = [lost.0, later.0, point[0].try_get_by_index(0).unwrap()].map(|id| (id, "DESTROYED"));
    expected.sort_unstable();
    assert_eq!(named, expected, "each record once, with those that went along");
    assert_eq!(world.value("person.lastName", kept).await, json!("Kept"));
}

/// The same request by somebody whose role allows nothing.
fn nobody(world: &World) -> Ctx {
    let caller = Caller { access: Arc::new(Access::nothing()), ..(*world.ctx.caller).clone() };
    Ctx { caller: Arc::new(caller), ..world.ctx.clone() }
}

#[tokio::test]
async fn who_may_not_do_what_a_run_does_cannot_tell_that_it_is_there() {
    let world = World::new().await;
    let run = import(&world).await;
    let nobody = nobody(&world);
    let (here, missing) = (run.id, RunId::new());
    assert!(runs::list(&nobody, 10, None).await.unwrap().is_empty());
    for id in [here, missing] {
        let refusals = [
            runs::load(&nobody, id).await.unwrap_err(),
            runs::cancel(&nobody, id).await.unwrap_err(),
            engine::undo(&nobody, id).await.unwrap_err(),
        ];
        for error in refusals {
            assert_eq!((error.code(), error.message()), (Code::NotFound, "There is no such run."));
        }
    }
    assert_eq!(runs::load(&world.ctx, here).await.unwrap().status, RunStatus::Running, "it goes on");
    assert_eq!(runs::list(&world.ctx, 10, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn runs_of_an_object_that_is_gone_stay_listed() {
    let world = World::new().await;
    let new = NewRun { kind: RunKind::Update, object: Some(ObjectId::new()), params: json!({}), progress: json!({}) };
    let run = runs::create(&world.ctx, new).await.unwrap();
    assert_eq!(runs::list(&world.ctx, 10, None).await.unwrap()[0].id, run.id);
    assert_eq!(runs::cancel(&world.ctx, run.id).await.unwrap().status, RunStatus::Cancelled);
}

#[tokio::test]
async fn an_undo_stops_where_its_author_may_no_longer() {
    let world = World::new().await;
    people(&world, 6).await;
    let draft = world.draft("person", json!({"vip": true}));
    let changed = engine::update_where(&world.ctx, world.id("person"), all(), draft, true).await.unwrap();
    // what they were allowed when they asked is not what the organisation says by now: they left
    let actor = tenants::Actor::Member(entities::ids::MemberId::new());
    let caller = Caller { actor, access: Arc::new(Access::All), ..(*world.ctx.caller).clone() };
    let gone = Ctx { caller: Arc::new(caller), ..world.ctx.clone() };
    let refused = engine::undo(&gone, changed.run.unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Forbidden);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."commits" WHERE actor LIKE 'MEMBER:%'"#).await, 0);
    let undo = runs::list(&world.ctx, 1, None).await.unwrap().remove(0);
    assert_eq!((undo.kind, undo.status, undo.changed), (RunKind::Undo, RunStatus::Failed, 0));
    assert!(undo.error.is_some_and(|error| !error.is_empty()));
}
