//! What rules refuse and what follows from a write: each row for itself, and never without end.

use std::sync::Arc;

use entities::ids::RecordId;
use serde_json::json;
use tenants::{
    Code,
    error::{Error, Result},
};

use super::bulk::{import, mode, rows};
use crate::{
    Ctx,
    catalog::{Catalog, Object},
    engine::{
        self, Change, Draft, Mutation, OnDuplicate, RowResult, WriteKind,
        write::{follow_ups::MAX_DEPTH, world::World},
    },
    filter::Filter,
    rules::{Checked, FollowUp, Related, RuleSet, Rules, Written},
    values::Value,
};

/// A vehicle is not changed while its driver is a VIP, a point of "refused@x.org" is not written, and a plate asks for
/// the next one.
struct Strict;

#[async_trait::async_trait]
impl Rules for Strict {
    fn related(&self, catalog: &Catalog, vehicle: &Object) -> Vec<Related> {
        let Some(driver) = vehicle.field("driver") else { return Vec::new() };
        vec![Related { link: driver.id, fields: vec![catalog.object("person").unwrap().field("vip").unwrap().id] }]
    }

    fn check(&self, ctx: &Ctx, object: &Object, writes: &mut [Checked<'_>]) {
        for write in writes {
            if object.name == "point" {
                let name = write.draft.after(object.field("name").unwrap().id);
                if name == Some(&Value::Text("refused@x.org".into())) {
                    write.refusal = Some(Error::new(Code::Conflict, "This address is not taken."));
                }
                continue;
            }
            let (driver, vip) = (object.field("driver").unwrap().id, ctx.catalog.object("person").unwrap());
            let vip = write.of_related(driver, vip.field("vip").unwrap().id) == Some(&Value::Bool(true));
            if vip && write.kind != WriteKind::Created {
                write.refusal = Some(Error::new(Code::Conflict, "The driver is a VIP."));
            }
        }
    }

    async fn after_write(&self, _: &Ctx, object: &Object, written: &[Written<'_>]) -> Result<Vec<FollowUp>> {
        let plate = object.field("plate").map(|field| field.id);
        let next = |one: &Written<'_>| {
            let (_, value) = one.outcome.values.iter().find(|(id, _)| Some(*id) == plate)?;
            let Value::Text(text) = value else { return None };
            let number: u32 = text.strip_prefix("chain ")?.parse().ok().filter(|number| *number > 0)?;
            let mut draft = Draft::default();
            draft.set(plate?, Value::Text(format!("chain {}", number - 1)));
            let change = Change::Create { id: RecordId::new(), draft };
            Some(FollowUp { cause: one.outcome.id, mutation: Mutation { object: object.id, change } })
        };
        Ok(written.iter().filter_map(next).collect())
    }
}

async fn strict() -> World {
    let mut world = World::new().await;
    let rules: RuleSet = (*world.ctx.rules).clone();
    let (vehicle, point) = (Arc::new(Strict), Arc::new(Strict));
    world.ctx.rules = Arc::new(rules.with("vehicle", vehicle).with("point", point));
    world
}

async fn create(world: &World, object: &str, values: serde_json::Value) -> Result<RecordId> {
    let draft = world.draft(object, values);
    Ok(engine::create(&world.ctx, world.id(object), vec![draft], &[]).await?[0].id)
}

#[tokio::test]
async fn a_check_sees_linked_records_and_refuses_every_kind_of_write() {
    let world = strict().await;
    let vehicle = world.id("vehicle");
    let vip = create(&world, "person", json!({"lastName": "V", "vip": true})).await.unwrap();
    let other = create(&world, "person", json!({"lastName": "O"})).await.unwrap();
    let driven = create(&world, "vehicle", json!({"plate": "1", "driver": vip.to_string()})).await.unwrap();
    let free = create(&world, "vehicle", json!({"plate": "2", "driver": other.to_string()})).await.unwrap();
    let seats = || world.draft("vehicle", json!({"seats": 4}));
    let refused = |error: Error| (error.code(), error.message().to_owned());
    let expected = (Code::Conflict, "The driver is a VIP.".to_owned());
    let ctx = &world.ctx;
    assert_eq!(refused(engine::update(ctx, vehicle, driven, seats(), None).await.unwrap_err()), expected);
    assert_eq!(refused(engine::archive(ctx, vehicle, driven).await.unwrap_err()), expected);
    assert_eq!(refused(engine::destroy(ctx, vehicle, driven).await.unwrap_err()), expected);
    engine::archive(ctx, vehicle, free).await.unwrap();
    engine::restore(ctx, vehicle, free).await.unwrap();
    let all = Filter::And(Vec::new());
    let changed = engine::update_where(ctx, vehicle, all, seats(), true).await.unwrap();
    assert_eq!((changed.changed, changed.failed), (1, 1), "the others go on");
    let to_vip = world.draft("vehicle", json!({"driver": vip.to_string()}));
    assert_eq!(refused(engine::update(ctx, vehicle, free, to_vip, None).await.unwrap_err()), expected, "as it will be");
}

#[tokio::test]
async fn a_refused_follow_up_refuses_its_own_row() {
    let world = strict().await;
    let person = world.id("person");
    let seq = world.seq().await;
    let error = create(&world, "person", json!({"lastName": "A", "email": "refused@x.org"})).await.unwrap_err();
    assert_eq!(error.message(), "This address is not taken.");
    assert_eq!(world.seq().await, seq, "nothing is written");

    let run = import(&world).await;
    let emails = ["a@x.org", "refused@x.org", "b@x.org"];
    let file: Vec<_> = emails.iter().map(|email| json!({"lastName": "P", "email": email})).collect();
    let batch = rows(&world, "person", &file);
    let mode = mode(&[], OnDuplicate::Create);
    let outcomes = engine::write_batch(&world.ctx, &run, person, batch, &mode, &mut |_| Ok(json!({}))).await.unwrap();
    let failed: Vec<bool> = outcomes.iter().map(|one| matches!(one.result, RowResult::Failed(_))).collect();
    assert_eq!(failed, [false, true, false], "in the order of the file");
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o0""#).await, 2);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o2""#).await, 2, "a point for each");
}

#[tokio::test]
async fn what_follows_is_followed_and_not_without_end() {
    let world = strict().await;
    create(&world, "vehicle", json!({"plate": format!("chain {MAX_DEPTH}")})).await.unwrap();
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, MAX_DEPTH as i64 + 1);
    let error = create(&world, "vehicle", json!({"plate": "chain 50"})).await.unwrap_err();
    assert_eq!(error.code(), Code::RulesTooDeep);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, MAX_DEPTH as i64 + 1);
    let numbers: Vec<String> = world
        .lines(r#"SELECT "f7" FROM "tenant"."o1" ORDER BY "f7""#)
        .await
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "each has its own number: {numbers:?}");
}
