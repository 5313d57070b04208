//! Deleting also deletes what cannot exist alone, and reports it first.

use serde_json::json;
use tenants::{Code, testing::NOW};

use super::*;
use crate::catalog::{self, drop_retired};

#[tokio::test]
async fn a_field_goes_with_what_stands_on_it() {
    let mut space = Space::new().await;
    let link = RelationSpec::to_one("customer").inverse("rooms", labels("", "", ""));
    catalog::create_object(&space.ctx, ObjectSpec::new("room", "rooms")).await.unwrap();
    let link = catalog::create_field(&space.ctx, "room", FieldSpec::new("guest", link)).await.unwrap();
    let count = RollupSpec::over("rooms", RollupFunction::Count);
    catalog::create_field(&space.ctx, "customer", FieldSpec::new("roomsCount", count)).await.unwrap();
    space.next().await;
    let guest = space.create("customer", named("Amel")).await.unwrap();
    space.create("room", json!({ "guest": guest.to_string() })).await.unwrap();
    let reported = catalog::delete_field(&space.ctx, link.id, true).await.unwrap();
    assert_eq!(
        (reported.records, reported.fields.clone()),
        (1, vec!["customer.rooms".into(), "customer.roomsCount".into()])
    );
    assert!(space.next().await.catalog.field(link.id).is_some());
    assert_eq!(catalog::delete_field(&space.ctx, link.id, false).await.unwrap(), reported);
    let left = &space.next().await.catalog;
    assert!(left.field(link.id).is_none() && left.object("customer").unwrap().field("roomsCount").is_none());
    assert_eq!(
        code(catalog::delete_field(&space.ctx, space.field("customer.email").id, false).await),
        Code::BadRequest
    );

    assert_eq!(drop_retired(&space.ctx.db, NOW + MONTH - 1).await.unwrap(), 0);
    assert_eq!(drop_retired(&space.ctx.db, NOW + MONTH).await.unwrap(), 3);
    space.next().await;
    space.create("room", json!({ "name": "12" })).await.unwrap();
}

#[tokio::test]
async fn an_object_goes_with_the_links_to_it() {
    let mut space = Space::new().await;
    let spec = ObjectSpec::new("room", "rooms").field(FieldSpec::new("keyCode", FieldKind::Text).unique());
    let room = catalog::create_object(&space.ctx, spec).await.unwrap();
    let link = FieldSpec::new("favourite", RelationSpec::to_many("room").inverse("fans", labels("", "", "")));
    catalog::create_field(&space.ctx, "customer", link).await.unwrap();
    space.next().await;
    space.create("room", json!({ "keyCode": "7" })).await.unwrap();
    let reported = catalog::delete_object(&space.ctx, room.id, false).await.unwrap();
    assert_eq!((reported.records, reported.fields), (1, vec!["customer.favourite".to_owned()]));
    let left = &space.next().await.catalog;
    assert!(left.object("room").is_none() && left.object("customer").unwrap().field("favourite").is_none());
    assert_eq!(drop_retired(&space.ctx.db, NOW + MONTH).await.unwrap(), 2);
    // the name is free again
    catalog::create_object(&space.ctx, ObjectSpec::new("room", "rooms")).await.unwrap();
    let customer = space.ctx.catalog.object("customer").unwrap().id;
    assert_eq!(code(catalog::delete_object(&space.ctx, customer, true).await), Code::BadRequest);
}
