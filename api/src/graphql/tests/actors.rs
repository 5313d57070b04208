//! Customers and plugins are held to what they were given by the same engine as members and keys.

use std::sync::Arc;

use ::records::catalog::{
    self, FieldKind,
    spec::{FieldSpec, ObjectSpec, RelationSpec},
};
use entities::ids::{PluginId, RecordId};
use serde_json::{Value as Json, json};
use tenants::{
    Access, Actor, Caller, FieldAccess, Operation, Origin, RowScope,
    access::{self, Grants, ObjectGrant},
    testing,
};

use super::World;

/// A workshop's organisation: stays of customers, each with a customer who sent them; ratings belong to nobody.
async fn workshop() -> World {
    let world = World::new().await;
    let rules = Arc::clone(&world.endpoint.rules);
    let mut ctx = ::records::Ctx::open(testing::caller(&world.db), world.db.clone(), rules).await.unwrap();
    for (object, plural) in [("stay", "stays"), ("rating", "ratings")] {
        catalog::create_object(&ctx, ObjectSpec::new(object, plural)).await.unwrap();
        ctx = ctx.refreshed().await.unwrap();
        catalog::create_field(&ctx, object, FieldSpec::new("note", FieldKind::Text)).await.unwrap();
    }
    for link in ["customer", "sentBy"] {
        ctx = ctx.refreshed().await.unwrap();
        catalog::create_field(&ctx, "stay", FieldSpec::new(link, RelationSpec::to_one("customer"))).await.unwrap();
    }
    world
}

/// Somebody who may do everything with their own records, and less with the fields that are named.
fn acting(world: &World, actor: Actor, fields: &[(entities::ids::ObjectId, entities::ids::FieldId)]) -> Arc<Caller> {
    let own = || ObjectGrant {
        operations: Operation::ALL.into_iter().map(|operation| (operation, RowScope::Own)).collect(),
        ..ObjectGrant::default()
    };
    let named = |(object, field): &(_, _)| {
        let hidden = ObjectGrant { fields: [(*field, FieldAccess::Hidden)].into(), ..own() };
        (*object, hidden)
    };
    let grants = Grants { others: own(), objects: fields.iter().map(named).collect(), ..Grants::default() };
    let caller = (*testing::caller(&world.db)).clone();
    Arc::new(Caller { actor, origin: Origin::Graphql, access: Arc::new(Access::of(grants)), ..caller })
}

async fn made(world: &World, document: &str, variables: Json) -> String {
    let data = world.data_with(&format!("mutation {document}"), variables).await;
    let record = data.as_object().and_then(|data| data.values().next());
    record.and_then(|record| record["id"].as_str()).unwrap_or_else(|| panic!("{data}")).to_owned()
}

fn code(answer: &Json) -> &str {
    answer["errors"].get(0).map_or("", |error| error["extensions"]["code"].as_str().unwrap_or("none"))
}

struct Person {
    customer: String,
    /// Object and id of what is theirs.
    records: [(&'static str, String); 4],
}

async fn person(world: &World, sent_by: Option<&str>) -> Person {
    let customer = made(world, "{ createCustomer(data: { name: \"x\" }) { id } }", json!({})).await;
    let of = |document: &str| {
        let document = format!("($to: ID!, $sent: ID) {{ {document} {{ id }} }}");
        let variables = json!({ "to": customer, "sent": sent_by });
        async move { made(world, &document, variables).await }
    };
    let stay = of("createStay(data: { customer: $to, sentBy: $sent, note: \"x\" })").await;
    let unsent = "($to: ID!) { createInteraction(data: { customer: $to, kind: \"note\" }) { id } }";
    let interaction = made(world, unsent, json!({ "to": customer })).await;
    let point =
        "($to: ID!) { createContactPoint(data: { customer: $to, kind: \"phone\", value: \"+33612345678\" }) { id } }";
    let point = made(world, point, json!({ "to": customer })).await;
    let records =
        [("customer", customer.clone()), ("stay", stay), ("interaction", interaction), ("contactPoint", point)];
    Person { customer, records }
}

#[tokio::test]
async fn a_customer_reaches_what_is_theirs_and_nothing_else() {
    let world = workshop().await;
    let me = person(&world, None).await;
    // sent by me: that makes their stay none of mine
    let other = person(&world, Some(&me.customer)).await;
    let caller = acting(&world, Actor::Customer(RecordId(me.customer.parse().unwrap())), &[]);
    let ask = async |query: &str, variables: Json| world.ask_as(Arc::clone(&caller), query, variables).await;
    for ((object, mine), (_, theirs)) in me.records.iter().zip(&other.records) {
        let list = ask(&format!("{{ {object}s {{ totalCount nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(list["data"][format!("{object}s")], json!({ "totalCount": 1, "nodes": [{ "id": mine }] }), "{list}");
        let one = format!("query ($id: ID!) {{ {object}(id: $id) {{ id history {{ nodes {{ kind }} }} }} }}");
        assert!(ask(&one, json!({ "id": mine })).await["data"][*object].is_object());
        assert!(ask(&one, json!({ "id": theirs })).await["data"][*object].is_null());
        let name = object[..1].to_uppercase() + &object[1..];
        let delete = format!("mutation ($id: ID!) {{ delete{name}(id: $id) {{ id }} }}");
        assert_eq!(code(&ask(&delete, json!({ "id": theirs })).await), "NOT_FOUND", "{object}");
    }
    let ctx =
        ::records::Ctx::open(Arc::clone(&caller), world.db.clone(), Arc::clone(&world.endpoint.rules)).await.unwrap();
    let changes = ::records::engine::changes(&ctx, 0, &[], 1000).await.unwrap().changes;
    let feed: String = changes.iter().map(|change| format!("{:?} ", change.record)).collect();
    for ((object, mine), (_, theirs)) in me.records.iter().zip(&other.records) {
        assert!(feed.contains(mine) && !feed.contains(theirs), "{object} {feed}");
    }
    let through = "{ stays(filter: { sentBy: { name: { eq: \"x\" } } }) { totalCount } customersAggregate { count } }";
    let through = ask(through, json!({})).await;
    assert_eq!(through["data"], json!({ "stays": { "totalCount": 0 }, "customersAggregate": { "count": 1 } }));
}

#[tokio::test]
async fn a_customer_makes_records_of_their_own() {
    let world = workshop().await;
    let (me, other) = (person(&world, None).await, person(&world, None).await);
    let caller = acting(&world, Actor::Customer(RecordId(me.customer.parse().unwrap())), &[]);
    let ask = async |query: &str, variables: Json| world.ask_as(Arc::clone(&caller), query, variables).await;
    let stay = ask(
        "mutation { createStay(data: { note: \"y\" }) { id customer { id } createdBy { kind id name } } }",
        json!({}),
    )
    .await;
    let stay = &stay["data"]["createStay"];
    let by = json!({ "kind": "CUSTOMER", "id": me.customer, "name": "x" });
    assert_eq!((&stay["customer"]["id"], &stay["createdBy"]), (&json!(me.customer), &by), "{stay}");
    for create in [
        "mutation ($to: ID!) { createStay(data: { customer: $to }) { id } }",
        "mutation ($to: ID!) { createContactPoint(data: { customer: $to, kind: \"phone\", value: \"+33612345679\" }) { id } }",
    ] {
        assert_eq!(code(&ask(create, json!({ "to": me.customer })).await), "", "{create}");
        assert_eq!(code(&ask(create, json!({ "to": other.customer })).await), "VALIDATION_FAILED", "{create}");
    }
    let give = "mutation ($id: ID!, $to: ID!) { updateStay(id: $id, data: { customer: $to }) { id } }";
    let given = ask(give, json!({ "id": stay["id"], "to": other.customer })).await;
    assert_eq!(code(&given), "VALIDATION_FAILED", "nothing is put among another's records: {given}");
    let twin = ask("mutation { createCustomer(data: { name: \"y\" }) { id } }", json!({})).await;
    assert_eq!(code(&twin), "VALIDATION_FAILED", "{twin}");
    let rating = ask("mutation { createRating(data: { note: \"y\" }) { id } }", json!({})).await;
    world.data("mutation { createRating(data: { note: \"y\" }) { id } }").await;
    let seen = ask("{ ratings { nodes { id } } }", json!({})).await;
    assert_eq!(seen["data"]["ratings"]["nodes"], json!([rating["data"]["createRating"]]), "{seen}");
    let by_customers = "{ stays(filter: { createdBy: { eq: { kind: CUSTOMER } } }) { totalCount } }";
    assert_eq!(world.data(by_customers).await["stays"]["totalCount"], 2);
}

#[tokio::test]
async fn a_plugin_reaches_what_it_made_and_no_field_that_it_was_not_given() {
    let world = workshop().await;
    person(&world, None).await;
    let catalog = catalog::current(&world.db).await.unwrap();
    let rating = catalog.object("rating").unwrap();
    let hidden = [(rating.id, rating.field("note").unwrap().id)];
    let id = PluginId::new();
    let caller = acting(&world, Actor::Plugin(id), &hidden);
    let ask = async |query: &str| world.ask_as(Arc::clone(&caller), query, json!({})).await;
    let made = ask("mutation { createStay(data: { note: \"z\" }) { createdBy { kind id name } } }").await;
    let by = json!({ "kind": "PLUGIN", "id": id.to_string(), "name": null });
    assert_eq!(made["data"]["createStay"]["createdBy"], by, "{made}");
    let seen = ask("{ stays { totalCount } customers { totalCount } interactions { totalCount } }").await;
    let counts =
        json!({ "stays": { "totalCount": 1 }, "customers": { "totalCount": 0 }, "interactions": { "totalCount": 0 } });
    assert_eq!(seen["data"], counts, "{seen}");
    assert_eq!(code(&ask("{ ratings { nodes { note } } }").await), "FORBIDDEN");
}

#[tokio::test]
async fn neither_has_anything_that_nobody_gave() {
    let world = World::new().await;
    for actor in [Actor::Customer(RecordId::new()), Actor::Plugin(PluginId::new())] {
        assert_eq!(access::of_actor(&world.db, actor).await.unwrap(), None);
        assert_eq!(Actor::from_stored(&actor.stored()).unwrap(), actor);
    }
    for damaged in ["", "MEMBER", "MEMBER:x", "ROBOT:0190", "SYSTEM:x"] {
        assert!(Actor::from_stored(damaged).is_err(), "nobody becomes the system: {damaged}");
    }
}
