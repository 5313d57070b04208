//! The pipeline, one record at a time and in lists.

mod bulk;
mod crowd;
mod diffs;
mod history;
mod idempotency;
mod rules;
mod runs;
mod send;

use serde_json::json;
use tenants::{Code, Issue};
use uuid::Uuid;

use crate::{
    columns::Stored,
    engine::{self, WriteKind, columns::Column, rows, write::world::World},
};

#[tokio::test]
async fn a_record_is_created_completed_and_followed() {
    let world = World::new().await;
    let id = world
        .create(
            "person",
            json!({"firstName": "Amel", "lastName": "Ben", "email": "Amel@Example.ORG", "tags": ["a", "b\"c"]}),
        )
        .await
        .unwrap();
    assert_eq!(world.value("person.name", id).await, json!("Amel Ben"));
    assert_eq!(world.value("person.email", id).await, json!("amel@example.org"));
    assert_eq!(world.value("person.tags", id).await, json!(["a", "b\"c"]));
    assert_eq!(world.value("person.vip", id).await, json!(false));
    assert_eq!(world.value("person.version", id).await, json!(1));
    assert_eq!(world.value("person.createdBy", id).await, json!("SYSTEM"));
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o2""#).await, 1, "its point");
    assert_eq!(world.seq().await, 1, "one commit for both");
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."changes""#).await, 2);
}

#[tokio::test]
async fn refusals_name_fields_and_places() {
    let world = World::new().await;
    let error = world.create("person", json!({"firstName": "Nobody"})).await.unwrap_err();
    assert_eq!(error.code(), Code::ValidationFailed);
    let fields: Vec<_> = error.fields().iter().map(|issue| (issue.field.as_str(), issue.issue.code())).collect();
    assert_eq!(fields, [("firstName", "RULE"), ("lastName", "REQUIRED")]);

    let drafts = vec![
        world.draft("vehicle", json!({"plate": "A 1"})),
        world.draft("vehicle", json!({"plate": "a  1"})),
        world.draft("vehicle", json!({"driver": entities::ids::RecordId::new().to_string()})),
        world.draft("vehicle", json!({"plate": "B 2", "version": 3})),
    ];
    let error = engine::create(&world.ctx, world.id("vehicle"), drafts, &[]).await.unwrap_err();
    let mut fields: Vec<_> = error.fields().iter().map(|issue| (issue.field.as_str(), issue.issue.code())).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [("data.1.plate", "TAKEN"), ("data.2.driver", "NO_SUCH_RECORD"), ("data.3.version", "READ_ONLY")]
    );
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, 0, "all or none");
    assert_eq!(world.seq().await, 0);
}

#[tokio::test]
async fn numbers_are_given_in_order() {
    let world = World::new().await;
    let first = world.create("vehicle", json!({})).await.unwrap();
    let second = world.create("vehicle", json!({})).await.unwrap();
    assert_eq!(world.value("vehicle.number", first).await, json!("V-0001"));
    assert_eq!(world.value("vehicle.number", second).await, json!("V-0002"));
}

#[tokio::test]
async fn an_update_changes_what_differs() {
    let world = World::new().await;
    let id = world.create("person", json!({"firstName": "Amel", "lastName": "Ben"})).await.unwrap();
    let same = world.update("person", id, json!({"firstName": "Amel", "vip": false})).await.unwrap();
    assert_eq!(same.kind, WriteKind::Unchanged);
    assert_eq!((world.seq().await, world.value("person.version", id).await), (1, json!(1)));

    let changed = world.update("person", id, json!({"firstName": "Lina", "email": "L@x.org"})).await.unwrap();
    assert_eq!((changed.kind, changed.values.len()), (WriteKind::Updated, 3));
    assert_eq!(world.value("person.name", id).await, json!("Lina Ben"));
    assert_eq!(world.value("person.version", id).await, json!(2));

    let draft = world.draft("person", json!({"firstName": "X"}));
    let error = engine::update(&world.ctx, world.id("person"), id, draft, Some(1)).await.unwrap_err();
    assert_eq!((error.code(), error.details()["version"].as_i64()), (Code::Conflict, Some(2)));
    let error = world.update("person", id, json!({"lastName": null})).await.unwrap_err();
    assert_eq!(error.fields()[0].issue, Issue::Required);
    let error = world.update("person", entities::ids::RecordId::new(), json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn archived_values_are_free_until_restored() {
    let world = World::new().await;
    let vehicle = world.id("vehicle");
    let old = world.create("vehicle", json!({"plate": "ÉLAN"})).await.unwrap();
    let error = world.create("vehicle", json!({"plate": "elan"})).await.unwrap_err();
    assert_eq!(error.fields()[0].issue, Issue::Taken(Some(old.to_string())));

    assert_eq!(engine::archive(&world.ctx, vehicle, old).await.unwrap().kind, WriteKind::Archived);
    assert_eq!(engine::archive(&world.ctx, vehicle, old).await.unwrap().kind, WriteKind::Unchanged);
    let new = world.create("vehicle", json!({"plate": "elan"})).await.unwrap();
    let error = engine::restore(&world.ctx, vehicle, old).await.unwrap_err();
    assert_eq!((error.code(), error.details()["id"].as_str()), (Code::Conflict, Some(new.to_string().as_str())));
    assert_eq!(world.update("vehicle", old, json!({"seats": 2})).await.unwrap_err().code(), Code::Conflict);

    engine::archive(&world.ctx, vehicle, new).await.unwrap();
    assert_eq!(engine::restore(&world.ctx, vehicle, old).await.unwrap().kind, WriteKind::Restored);
    assert_eq!(world.value("vehicle.archivedAt", old).await, json!(null));
}

#[tokio::test]
async fn upsert_finds_by_any_field_and_refuses_two_hits() {
    let world = World::new().await;
    let on = [world.field("vehicle.externalId"), world.field("vehicle.plate")];
    let first = world.create("vehicle", json!({"externalId": "x1", "plate": "P1"})).await.unwrap();
    world.create("vehicle", json!({"plate": "P2"})).await.unwrap();
    let drafts = vec![
        world.draft("vehicle", json!({"plate": "p1", "seats": 4})),
        world.draft("vehicle", json!({"externalId": "x3", "plate": "P3"})),
    ];
    let written = engine::create(&world.ctx, world.id("vehicle"), drafts, &on).await.unwrap();
    assert_eq!((written[0].id, written[0].kind), (first, WriteKind::Updated));
    assert_eq!(written[1].kind, WriteKind::Created);
    let draft = world.draft("vehicle", json!({"externalId": "x1", "plate": "P2"}));
    let error = engine::create(&world.ctx, world.id("vehicle"), vec![draft], &on).await.unwrap_err();
    assert_eq!(error.code(), Code::Ambiguous);
}

#[tokio::test]
async fn many_to_many_sets_are_replaced() {
    let world = World::new().await;
    let a = world.create("person", json!({"lastName": "A"})).await.unwrap();
    let b = world.create("person", json!({"lastName": "B"})).await.unwrap();
    let car = world.create("vehicle", json!({"users": [a.to_string()]})).await.unwrap();
    let written = world.update("vehicle", car, json!({"users": [b.to_string(), a.to_string()]})).await.unwrap();
    assert_eq!(written.kind, WriteKind::Updated);
    let same = world.update("vehicle", car, json!({"users": [a.to_string(), b.to_string()]})).await.unwrap();
    assert_eq!(same.kind, WriteKind::Unchanged);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."l1""#).await, 2);
    engine::archive(&world.ctx, world.id("person"), a).await.unwrap();
    let c = world.create("person", json!({"lastName": "C"})).await.unwrap();
    let all = json!({"users": [a.to_string(), b.to_string(), c.to_string()]});
    assert_eq!(world.update("vehicle", car, all).await.unwrap().kind, WriteKind::Updated, "an old link may be dead");
    engine::destroy(&world.ctx, world.id("person"), b).await.unwrap();
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."l1""#).await, 2);
    assert_eq!(world.value("vehicle.version", car).await, json!(4), "losing a link is a change of its owner");
}

#[tokio::test]
async fn a_pair_is_added_to_a_list_too_long_to_be_read() {
    let world = World::new().await;
    let car = world.create("vehicle", json!({})).await.unwrap();
    let ada = world.create("person", json!({"lastName": "Ada"})).await.unwrap();
    let columns = ["a", "b"].map(|name| Column::new(name, Stored::Id));
    let pairs = (0..=100_000_u128).flat_map(|n| [car.0.into(), Uuid::from_u128(n).into()]).collect();
    let tx = world.ctx.db.begin_write().await.unwrap();
    rows::insert(&tx, "l1", &columns, pairs).await.unwrap();
    sea_orm::TransactionSession::commit(tx).await.unwrap();
    for (users, left) in [(json!({ "add": [ada] }), 100_002), (json!({ "remove": [ada] }), 100_001)] {
        assert_eq!(world.update("vehicle", car, json!({ "users": users })).await.unwrap().kind, WriteKind::Updated);
        assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."l1""#).await, left);
    }
    let all = world.update("vehicle", car, json!({ "users": { "set": [ada] } })).await;
    assert_eq!(all.unwrap_err().code(), Code::Conflict, "bit by bit");
}

#[tokio::test]
async fn destroying_does_what_relations_say() {
    let world = World::new().await;
    let person = world.create("person", json!({"lastName": "A", "email": "a@b.org"})).await.unwrap();
    let car =
        world.create("vehicle", json!({"lender": person.to_string(), "driver": person.to_string()})).await.unwrap();
    let error = engine::destroy(&world.ctx, world.id("person"), person).await.unwrap_err();
    assert_eq!((error.code(), error.details()["field"].as_str()), (Code::Conflict, Some("lender")));
    world.update("vehicle", car, json!({"lender": null})).await.unwrap();
    engine::destroy(&world.ctx, world.id("person"), person).await.unwrap();
    assert_eq!(world.value("vehicle.driver", car).await, json!(null));
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o0""#).await, 0);
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o2""#).await, 0, "its points went with it");
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."changes" WHERE kind = 'DESTROYED'"#).await, 2);
}

#[tokio::test]
async fn totals_follow_every_change() {
    let world = World::new().await;
    let a = world.create("person", json!({"lastName": "A"})).await.unwrap();
    let b = world.create("person", json!({"lastName": "B"})).await.unwrap();
    let car = |seats: i64, price: &str| json!({"driver": a.to_string(), "seats": seats, "price": {"amount": price, "currency": "DZD"}});
    let first = world.create("vehicle", car(2, "10.50")).await.unwrap();
    let second = world.create("vehicle", car(7, "1")).await.unwrap();
    let totals = async |id| {
        let mut totals = Vec::new();
        for name in ["count", "big", "most", "mean", "worth"] {
            totals.push(world.value(&format!("person.{name}"), id).await);
        }
        json!(totals)
    };
    assert_eq!(totals(a).await, json!([2, 1, 7, "4.50", "11.5000"]));
    world.update("vehicle", second, json!({"driver": b.to_string()})).await.unwrap();
    assert_eq!(totals(a).await, json!([1, 0, 2, "2.00", "10.5000"]));
    assert_eq!(totals(b).await, json!([1, 1, 7, "7.00", "1.0000"]));
    engine::archive(&world.ctx, world.id("vehicle"), first).await.unwrap();
    assert_eq!(totals(a).await, json!([0, 0, null, null, "0.0000"]));
    engine::restore(&world.ctx, world.id("vehicle"), first).await.unwrap();
    assert_eq!(totals(a).await, json!([1, 0, 2, "2.00", "10.5000"]));
    engine::destroy(&world.ctx, world.id("vehicle"), second).await.unwrap();
    assert_eq!(totals(b).await, json!([0, 0, null, null, "0.0000"]));
    assert_eq!(world.value("person.version", a).await, json!(1), "a total is no change of the parent");
}

#[tokio::test]
async fn a_changed_catalog_undoes_the_write() {
    use sea_orm::ConnectionTrait;
    let world = World::new().await;
    world.ctx.db.execute_unprepared(r#"UPDATE "tenant"."clock" SET catalog_version = 2"#).await.unwrap();
    let error = world.create("vehicle", json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::StaleCatalog);
    let error = world.create("person", json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::StaleCatalog, "a refusal by an old catalog is not told");
    assert_eq!(world.number(r#"SELECT count(*) FROM "tenant"."o1""#).await, 0);
}
