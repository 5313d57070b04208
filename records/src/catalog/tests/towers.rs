//! Totals over totals: kept level by level, told in the feed, and never in a circle.

use serde_json::json;

use super::*;
use crate::{
    catalog::{self, FieldPatch, FieldState, Progress, build_step, check_rollups},
    engine::{WriteKind, changes},
    filter::{Filter, Test},
    fixture::Dice,
};

/// Countries with regions, regions with customers, customers with stays; a total on each level.
async fn towers() -> Space {
    let mut space = Space::new().await;
    for (one, many) in [("country", "countries"), ("region", "regions")] {
        catalog::create_object(&space.ctx, ObjectSpec::new(one, many)).await.unwrap();
        space.next().await;
    }
    let link = |to: &str, inverse: &str| RelationSpec::to_one(to).inverse(inverse, labels("", "", ""));
    for (object, name, spec) in
        [("customer", "region", link("region", "customers")), ("region", "country", link("country", "regions"))]
    {
        catalog::create_field(&space.ctx, object, FieldSpec::new(name, spec)).await.unwrap();
        space.next().await;
    }
    total(&mut space, "customer", "nights", RollupSpec::over("stays", RollupFunction::Sum).of("nights")).await.unwrap();
    let regular = Filter::Field { field: space.field("customer.nights").id, test: Test::Gte(Value::Int(5)) };
    for (object, name, spec) in [
        ("region", "nights", RollupSpec::over("customers", RollupFunction::Sum).of("nights")),
        ("region", "regulars", RollupSpec::over("customers", RollupFunction::Count).filter(regular)),
        ("region", "most", RollupSpec::over("customers", RollupFunction::Max).of("nights")),
        ("country", "nights", RollupSpec::over("regions", RollupFunction::Sum).of("nights")),
    ] {
        total(&mut space, object, name, spec).await.unwrap();
    }
    space
}

async fn total(space: &mut Space, object: &str, name: &str, spec: RollupSpec) -> Result<()> {
    catalog::create_field(&space.ctx, object, FieldSpec::new(name, spec)).await?;
    space.next().await;
    Ok(())
}

async fn set(space: &Space, path: &str, id: RecordId, value: Value) {
    let field = space.field(path);
    let mut draft = Draft::default();
    draft.set(field.id, value);
    engine::update(&space.ctx, field.object, id, draft, None).await.unwrap();
}

#[tokio::test]
async fn each_level_follows_the_one_below() {
    let space = towers().await;
    let country = space.create("country", named("Algeria")).await.unwrap();
    let region = async |name| space.create("region", json!({ "name": name, "country": country.to_string() })).await;
    let (north, south) = (region("North").await.unwrap(), region("South").await.unwrap());
    let customer = async |name, region: RecordId| {
        space.create("customer", json!({ "name": name, "region": region.to_string() })).await.unwrap()
    };
    let (amel, brahim) = (customer("Amel", north).await, customer("Brahim", north).await);
    let stay = async |customer: RecordId, nights: i64| {
        space.create("stay", json!({ "customer": customer.to_string(), "nights": nights })).await.unwrap()
    };
    let shown = async || {
        let mut shown = Vec::new();
        for (path, id) in [
            ("region.nights", north),
            ("region.regulars", north),
            ("region.most", north),
            ("region.nights", south),
            ("country.nights", country),
        ] {
            shown.push(match space.read(path, id).await {
                Value::Int(number) => number,
                _ => -1,
            });
        }
        shown
    };
    let long = stay(amel, 6).await;
    stay(brahim, 2).await;
    assert_eq!(shown().await, [8, 1, 6, 0, 8]);
    set(&space, "stay.nights", long, Value::Int(4)).await;
    assert_eq!(shown().await, [6, 0, 4, 0, 6], "below the filter, and no longer the greatest");
    set(&space, "customer.region", amel, Value::Id(south.0)).await;
    assert_eq!(shown().await, [2, 0, 2, 4, 6], "moved");
    let object = space.field("customer.region").object;
    engine::archive(&space.ctx, object, amel).await.unwrap();
    set(&space, "stay.nights", long, Value::Int(7)).await;
    assert_eq!(shown().await, [2, 0, 2, 0, 2], "an archived record counts nowhere");
    engine::restore(&space.ctx, object, amel).await.unwrap();
    assert_eq!(shown().await, [2, 0, 2, 7, 9]);
    engine::destroy(&space.ctx, object, amel).await.unwrap();
    assert_eq!(shown().await, [2, 0, 2, 0, 2]);
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);
}

#[tokio::test]
async fn the_feed_tells_changed_totals_once_for_each_record() {
    let space = towers().await;
    let country = space.create("country", named("Algeria")).await.unwrap();
    let region = json!({ "name": "North", "country": country.to_string() });
    let region = space.create("region", region).await.unwrap();
    let customer = space.create("customer", json!({ "name": "Amel", "region": region.to_string() })).await.unwrap();
    let seq = engine::last_seq(&space.ctx.db).await.unwrap();
    let before = space.read("region.version", region).await;
    space.create("stay", json!({ "customer": customer.to_string(), "nights": 7 })).await.unwrap();
    let page = changes(&space.ctx, seq, &[], 100).await.unwrap();
    let told: Vec<_> = page.changes.iter().map(|change| (change.kind, change.record)).collect();
    let rollups = [country, region, customer].map(|record| (WriteKind::Rollup, Some(record)));
    assert_eq!((told.len(), told[0].0), (4, WriteKind::Created), "{told:?}");
    assert!(rollups.iter().all(|one| told[1..].contains(one)), "{told:?}");
    let of_region = page.changes.iter().find(|change| change.record == Some(region)).unwrap();
    let mut names: Vec<_> =
        of_region.fields.iter().map(|id| space.ctx.catalog.field(*id).unwrap().name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["most", "nights", "regulars"]);
    let object = space.field("region.nights").object;
    assert_eq!(space.read("region.version", region).await, before, "the version stays");
    let history = engine::history(&space.ctx, object, &[region], 10, None).await.unwrap();
    assert_eq!(history[&region].entries.len(), 1, "the creation alone");
}

#[tokio::test]
async fn towers_have_three_levels_and_no_circles() {
    let mut space = towers().await;
    catalog::create_object(&space.ctx, ObjectSpec::new("world", "worlds")).await.unwrap();
    space.next().await;
    let world = RelationSpec::to_one("world").inverse("countries", labels("", "", ""));
    catalog::create_field(&space.ctx, "country", FieldSpec::new("world", world)).await.unwrap();
    space.next().await;
    let fourth = RollupSpec::over("countries", RollupFunction::Sum).of("nights");
    assert_eq!(complaint(&total(&mut space, "world", "nights", fourth).await.unwrap_err()).0, "rollup.field");

    let of_people = |field: &str| RollupSpec::over("people", RollupFunction::Sum).of(field);
    total(&mut space, "customer", "theirs", of_people("nights")).await.unwrap();
    let circle = FieldPatch { kind: Some(of_people("theirs").into()), ..FieldPatch::default() };
    let theirs = space.field("customer.theirs").id;
    assert_eq!(complaint(&catalog::update_field(&space.ctx, theirs, circle).await.unwrap_err()).0, "rollup.field");
}

#[tokio::test]
async fn rollups_over_one_that_is_defined_anew_follow_it() {
    let mut space = towers().await;
    space.many(1_500).await;
    let country = space.create("country", named("Algeria")).await.unwrap();
    let region = json!({ "name": "North", "country": country.to_string() });
    let region = space.create("region", region).await.unwrap();
    let amel = space.create("customer", json!({ "name": "Amel", "region": region.to_string() })).await.unwrap();
    let stay = json!({ "customer": amel.to_string(), "nights": 7 });
    space.create("stay", stay.clone()).await.unwrap();
    let seq = engine::last_seq(&space.ctx.db).await.unwrap();

    let nights = space.field("customer.nights").id;
    let defined_as = |spec: RollupSpec| FieldPatch { kind: Some(spec.into()), ..FieldPatch::default() };
    let count = defined_as(RollupSpec::over("stays", RollupFunction::Count));
    catalog::update_field(&space.ctx, nights, count).await.unwrap();
    space.next().await;
    let over = ["region.nights", "region.most", "region.regulars", "country.nights"];
    let states = |space: &Space| over.map(|path| space.field(path).state);
    assert_eq!(states(&space), [FieldState::Building; 4], "they wait");
    let most = defined_as(RollupSpec::over("stays", RollupFunction::Max).of("nights"));
    let refused = catalog::update_field(&space.ctx, nights, most).await.unwrap_err();
    assert_eq!(complaint(&refused).0, "rollup", "not before they are complete");
    // written before the job has reached this customer
    space.create("stay", stay).await.unwrap();
    for path in ["customer.nights"].iter().chain(&over) {
        while build_step(&space.ctx, space.field(path).id).await.unwrap() == Progress::More {}
        space.next().await;
    }
    assert_eq!(states(&space), [FieldState::Active; 4]);
    for path in ["region.nights", "region.most"] {
        assert_eq!(space.read(path, region).await, Value::Int(2), "{path}");
    }
    assert_eq!(space.read("country.nights", country).await, Value::Int(2));
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);
    let page = changes(&space.ctx, seq, &[], 100).await.unwrap();
    let rebuilt = page.changes.iter().filter(|change| change.kind == WriteKind::Rebuilt);
    assert_eq!(rebuilt.map(|change| (change.record, change.fields.len())).collect::<Vec<_>>(), [(None, 1); 5]);
}

#[tokio::test]
async fn spoiled_totals_are_repaired_from_below() {
    let space = towers().await;
    let region = space.create("region", named("North")).await.unwrap();
    let customer = space.create("customer", json!({ "name": "Amel", "region": region.to_string() })).await.unwrap();
    space.create("stay", json!({ "customer": customer.to_string(), "nights": 7 })).await.unwrap();
    for path in ["customer.nights", "region.nights"] {
        let field = space.field(path);
        let table = &space.ctx.catalog.object_by_id(field.object).unwrap().table;
        let spoil = format!(r#"UPDATE "tenant"."{table}" SET "{}" = 99"#, field.column);
        space.ctx.db.execute_unprepared(&spoil).await.unwrap();
    }
    assert!(check_rollups(&space.ctx, true).await.unwrap().len() >= 2);
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);
    assert_eq!(space.read("region.nights", region).await, Value::Int(7));
}

#[tokio::test]
async fn rollups_hold_whatever_happens_below() {
    let space = towers().await;
    let mut dice = Dice(0x0dd5_eed5_1234_abcd);
    let mut live: [Vec<RecordId>; 4] = Default::default();
    let objects = ["country", "region", "customer", "stay"];
    let object = |level: usize| space.ctx.catalog.object(objects[level]).unwrap().id;
    for step in 0..240 {
        // there is always something to belong to
        let level = (0..3).find(|level| live[*level].is_empty()).unwrap_or_else(|| dice.roll(4));
        let parent = level.checked_sub(1).map(|above| dice.pick(&live[above]));
        let of = |parent: RecordId| (objects[level - 1], json!(parent.to_string()));
        match dice.roll(7) {
            0..=2 => {
                let mut values = if level < 3 { named("N") } else { json!({ "nights": dice.roll(9) }) };
                if let Some((name, parent)) = parent.map(of) {
                    values[name] = parent;
                }
                live[level].push(space.create(objects[level], values).await.unwrap());
            }
            _ if live[level].is_empty() => {}
            3 if level == 3 => {
                let nights = Value::Int(dice.roll(9) as i64);
                set(&space, "stay.nights", dice.pick(&live[3]), nights).await;
            }
            3 | 4 if level > 0 => {
                let path = format!("{}.{}", objects[level], objects[level - 1]);
                set(&space, &path, dice.pick(&live[level]), parent.map_or(Value::Null, |id| Value::Id(id.0))).await;
            }
            5 => {
                let one = dice.pick(&live[level]);
                engine::archive(&space.ctx, object(level), one).await.unwrap();
                if dice.roll(2) == 0 {
                    engine::restore(&space.ctx, object(level), one).await.unwrap();
                } else {
                    live[level].retain(|id| *id != one);
                }
            }
            6 if level > 1 && live[level].len() > 3 => {
                let one = live[level].swap_remove(0);
                engine::destroy(&space.ctx, object(level), one).await.unwrap();
                if level == 2 {
                    // their stays went with them
                    let stay = space.ctx.catalog.object("stay").unwrap().id;
                    let there = engine::by_ids(&space.ctx, stay, &[], &live[3], Archived::Include).await.unwrap();
                    live[3].retain(|id| there.contains_key(id));
                }
            }
            _ => {}
        }
        if step % 40 == 39 {
            assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), [], "after step {step}");
        }
    }
}
