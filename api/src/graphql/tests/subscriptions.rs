//! Subscriptions: what they tell, to whom, at what price.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};
use tenants::{
    Access, Caller, Code, FieldAccess, Operation, RowScope,
    access::{Grants, ObjectGrant},
    testing,
};

use super::World;
use crate::graphql::{Budget, Request, errors::Refusal, subscribe::Subscription};

/// A subscription that has begun, and what it is told next.
async fn followed(world: &World, query: &str) -> Subscription {
    begun(world, query).await.unwrap_or_else(|refusal| panic!("{:?}", refusal.errors))
}

async fn reported(world: &World, subscription: &mut Subscription) -> Vec<Json> {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), subscription.next(&world.endpoint)).await.unwrap();
        let answers = next.unwrap_or_else(|refusal| panic!("{:?}", refusal.errors));
        if !answers.is_empty() {
            return answers
                .iter()
                .map(|answer| serde_json::from_slice::<Json>(answer).unwrap()["data"]["customerChanged"].clone())
                .collect();
        }
    }
}

async fn begun(world: &World, query: &str) -> Result<Subscription, Refusal> {
    let request = Request { query: query.to_owned(), ..Request::default() };
    let rules = Arc::clone(&world.endpoint.rules);
    let ctx = ::records::Ctx::open(testing::caller(&world.db), world.db.clone(), rules).await.unwrap();
    let session = world.endpoint.session(ctx, &request).await?;
    Subscription::begin(&world.endpoint, session, request).await
}

#[tokio::test]
async fn subscriptions_tell_what_concerns_them() {
    let world = World::new().await;
    let query =
        r#"subscription { customerChanged(filter: { city: { eq: "Alger" } }) { kind id record { city name } } }"#;
    let mut subscription = followed(&world, query).await;
    let id = world
        .data(
            r#"mutation {
                createCustomer(data: { companyName: "A", city: "Alger" }) { id }
                other: createCustomer(data: { companyName: "B", city: "Oran" }) { id }
            }"#,
        )
        .await["createCustomer"]["id"]
        .clone();
    let created = json!({ "kind": "CREATED", "id": id, "record": { "city": "Alger", "name": "A" } });
    assert_eq!(reported(&world, &mut subscription).await, [created]);
    world
        .data_with(
            r#"mutation($id: ID!) { updateCustomer(id: $id, data: { city: "Oran" }) { id } }"#,
            json!({ "id": id }),
        )
        .await;
    assert_eq!(reported(&world, &mut subscription).await, [json!({ "kind": "LEFT", "id": id, "record": null })]);
    world.data_with(r#"mutation($id: ID!) { destroyCustomer(id: $id) }"#, json!({ "id": id })).await;
    assert_eq!(reported(&world, &mut subscription).await[0]["kind"], "DESTROYED");
}

#[tokio::test]
async fn a_flood_is_told_as_one() {
    let world = World::new().await;
    let mut subscription = followed(&world, "subscription { customerChanged { kind id } }").await;
    let data: Vec<Json> = (0..201).map(|n| json!({ "companyName": format!("C{n}") })).collect();
    let create = "mutation($data: [CustomerCreateInput!]!) { createCustomers(data: $data) { id } }";
    world.data_with(create, json!({ "data": data })).await;
    assert_eq!(reported(&world, &mut subscription).await, [json!({ "kind": "RESYNC", "id": null })]);
    world.data(r#"mutation { createCustomer(data: { companyName: "D" }) { id } }"#).await;
    let reported = reported(&world, &mut subscription).await;
    assert!(reported.len() == 1 && reported[0]["kind"] == "CREATED", "{reported:?}");
}

#[tokio::test]
async fn what_is_told_is_paid_for() {
    let mut world = World::new().await;
    world.endpoint = world.endpoint_with(Budget { points: 50, per_second: 1 });
    let document = "subscription { customerChanged { id record { contactPoints(first: 40) { nodes { value } } } } }";
    let mut subscription = followed(&world, document).await;
    let somebody = tenants::Actor::Member(entities::ids::MemberId::new());
    let writer = Arc::new(tenants::Caller { actor: somebody, ..(*testing::caller(&world.db)).clone() });
    let mut next = async || {
        let query = "mutation { createCustomer(data: { companyName: \"A\" }) { id } }".to_owned();
        let request = Request { query, ..Request::default() };
        world.endpoint.respond(Arc::clone(&writer), world.db.clone(), &request, true).await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), subscription.next(&world.endpoint)).await.unwrap()
    };
    assert_eq!(next().await.unwrap().len(), 1);
    let refused = next().await.unwrap_err();
    assert_eq!(refused.errors[0].extensions["code"], "RATE_LIMITED");
    assert!(refused.errors[0].extensions["retryAfterMs"].as_u64().is_some_and(|wait| wait > 10_000));
}

#[tokio::test]
async fn what_leaves_is_told_whatever_took_it_away() {
    let world = World::new().await;
    let made = world.data(r#"mutation { createCustomers(data: [{ companyName: "A", city: "Alger" }, { companyName: "B", city: "Alger" }]) { id } }"#).await;
    let [a, b] = [0, 1].map(|at| made["createCustomers"][at]["id"].clone());
    let mut by_city =
        followed(&world, r#"subscription { customerChanged(filter: { city: { eq: "Alger" } }) { kind id } }"#).await;
    let mut living =
        followed(&world, "subscription { customerChanged(filter: { archivedAt: { isNull: true } }) { kind id } }")
            .await;
    let mut mine = followed(
        &world,
        "subscription { customerChanged(filter: { updatedBy: { eq: { kind: SYSTEM } } }) { kind id } }",
    )
    .await;
    // looked at together: it moved away, then it was archived
    let both = r#"mutation($id: ID!) { updateCustomer(id: $id, data: { city: "Oran" }) { id } deleteCustomer(id: $id) { id } }"#;
    world.data_with(both, json!({ "id": a })).await;
    assert_eq!(reported(&world, &mut by_city).await, [json!({ "kind": "LEFT", "id": a })]);
    assert_eq!(reported(&world, &mut living).await, [json!({ "kind": "LEFT", "id": a })]);
    assert_eq!(reported(&world, &mut mine).await, [json!({ "kind": "ARCHIVED", "id": a })]);

    let member = tenants::Actor::Member(entities::ids::MemberId::new());
    let somebody = Arc::new(tenants::Caller { actor: member, ..(*testing::caller(&world.db)).clone() });
    let request = Request {
        query: format!(r#"mutation {{ updateCustomer(id: {b}, data: {{ region: "R" }}) {{ id }} }}"#),
        ..Request::default()
    };
    world.endpoint.respond(somebody, world.db.clone(), &request, true).await.unwrap();
    assert_eq!(reported(&world, &mut mine).await, [json!({ "kind": "LEFT", "id": b })]);
    assert_eq!(reported(&world, &mut by_city).await, [json!({ "kind": "UPDATED", "id": b })]);
}

#[tokio::test]
async fn a_filter_that_a_list_takes_a_subscription_takes_too() {
    let world = World::new().await;
    let terms = |count: usize| (0..count).map(|n| format!(r#"{{ city: {{ ne: "C{n}" }} }}"#)).collect::<String>();
    let query = |count| format!("subscription {{ customerChanged(filter: {{ or: [{}] }}) {{ kind }} }}", terms(count));
    let mut subscription = followed(&world, &query(50)).await;
    world.data(r#"mutation { createCustomer(data: { companyName: "A" }) { id } }"#).await;
    assert_eq!(reported(&world, &mut subscription).await, [json!({ "kind": "CREATED" })]);

    let refused = begun(&world, &query(51)).await.err().unwrap();
    assert_eq!(refused.errors[0].extensions["code"], "BAD_FILTER", "at once, not with the first change");
}

#[tokio::test]
async fn what_a_role_hides_is_not_subscribed_to() {
    let world = World::new().await;
    let rules = Arc::clone(&world.endpoint.rules);
    let open = |caller| ::records::Ctx::open(caller, world.db.clone(), Arc::clone(&rules));
    let ctx = open(testing::caller(&world.db)).await.unwrap();
    let customer = ctx.catalog.object("customer").unwrap();
    let city = customer.field("city").unwrap().id;
    let grant = ObjectGrant {
        operations: [(Operation::Read, RowScope::All)].into(),
        fields: [(city, FieldAccess::Hidden)].into(),
        ..ObjectGrant::default()
    };
    let grants = Grants { objects: [(customer.id, grant)].into(), ..Grants::default() };
    let caller = Caller { access: Arc::new(Access::of(grants)), ..(*testing::caller(&world.db)).clone() };
    let caller = Arc::new(caller);
    let begin = async |query: &str| {
        let request = Request { query: query.to_owned(), ..Request::default() };
        let ctx = open(Arc::clone(&caller)).await.unwrap();
        let session = world.endpoint.session(ctx, &request).await?;
        Subscription::begin(&world.endpoint, session, request).await
    };
    let filtered = begin(r#"subscription { customerChanged(filter: { city: { eq: "Alger" } }) { kind } }"#).await;
    assert_eq!(filtered.err().unwrap().errors[0].extensions["code"], Code::Forbidden.name());
    let mut shown = begin("subscription { customerChanged { kind record { city } } }").await.ok().unwrap();
    world.data(r#"mutation { createCustomer(data: { companyName: "A", city: "Alger" }) { id } }"#).await;
    let refusal = shown.next(&world.endpoint).await.unwrap_err();
    assert_eq!(refusal.errors[0].extensions["code"], Code::Forbidden.name());
    let mut plain = begin("subscription { customerChanged { kind record { name } } }").await.ok().unwrap();
    world.data(r#"mutation { createCustomer(data: { companyName: "B", city: "Alger" }) { id } }"#).await;
    assert_eq!(reported(&world, &mut plain).await[0]["record"]["name"], "B");
}
