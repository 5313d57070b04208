//! Operations of the table: what they answer is completed as any other field, and a table that is not whole is refused.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::records::{
    Ctx,
    engine::{self, Archived, Draft},
    operations::{AddedField, Audience, Batch, Entry, Given, Method, Module, NoArgs, Permit, RecordPage},
    values::Value,
};
use entities::ids::RecordId;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Access, Actor, Caller, Code, FieldAccess, Operation, Permission, RowScope,
    access::{Grants, ObjectGrant},
    error::Result,
    testing,
};

use super::World;
use crate::graphql::{
    Table,
    operations::{modules, placeholders},
};

const DECLARED: &str = r#"
extend type Query {
  "The customers of these ids."
  picked(ids: [ID!]!, first: Int): CustomerConnection
  "What was found, with its records."
  found(ids: [ID!]!): Found
}
extend type Mutation {
  "Moves a customer to a city."
  moveCustomer(id: ID!, city: String!): Customer
}
extend type Customer {
  "Other customers of the same city."
  neighbours(first: Int): [Neighbour!]
}
type Found { hits: [Hit!]! best: Customer total: Int! }
type Hit { score: Int! record: Customer }
type Neighbour { distance: Int! customer: Customer! }
"#;

#[derive(Deserialize)]
struct Ids {
    ids: Vec<RecordId>,
}

#[derive(Deserialize)]
struct Move {
    id: Given<RecordId>,
    city: String,
}

#[derive(Deserialize)]
struct Neighbours {
    first: Option<usize>,
}

async fn picked(_: Ctx, args: Ids) -> Result<RecordPage> {
    let cursors = (1..=args.ids.len()).map(|at| format!("at{at}")).collect();
    let total = Some(7);
    Ok(RecordPage { ids: args.ids, cursors, has_next: true, has_previous: false, total })
}

async fn found(_: Ctx, args: Ids) -> Result<Json> {
    let hits: Vec<Json> = (0..).zip(&args.ids).map(|(at, id)| json!({ "score": 10 - at, "record": id })).collect();
    Ok(json!({ "hits": hits, "best": args.ids.first(), "total": args.ids.len() }))
}

async fn move_customer(ctx: Ctx, args: Move) -> Result<RecordId> {
    let object = ctx.catalog.object("customer").unwrap();
    let mut draft = Draft::default();
    draft.set(object.field("city").unwrap().id, Value::Text(args.city));
    Ok(engine::update(&ctx, object.id, args.id.needed("customer")?, draft, None).await?.id)
}

/// Counts how often neighbours are asked for.
fn neighbours(asked: Arc<AtomicUsize>) -> AddedField {
    AddedField::new("customer", "neighbours", move |ctx: Ctx, batch: Batch<Neighbours>| {
        asked.fetch_add(1, Ordering::Relaxed);
        async move {
            assert_eq!(batch.selected.has("distance"), !batch.selected.has("customer"), "{:?}", batch.selected);
            let object = ctx.catalog.object("customer").unwrap();
            let rows = engine::by_ids(&ctx, object.id, &[], &batch.records, Archived::Include).await?;
            let mut ids: Vec<RecordId> = rows.into_keys().collect();
            ids.sort_unstable();
            let first = batch.args.first.unwrap_or(10);
            let others = |id: &RecordId| {
                let others = ids.iter().filter(|other| *other != id).take(first);
                others.map(|other| json!({ "distance": 1, "customer": other })).collect::<Vec<_>>()
            };
            Ok(ids.iter().map(|id| (*id, others(id))).collect::<HashMap<_, _>>())
        }
    })
}

fn module(asked: &Arc<AtomicUsize>) -> Module {
    Module {
        declared: DECLARED,
        entries: vec![
            Entry::new("picked", picked).permit(Permit::SignedIn),
            Entry::new("found", found).permit(Permit::SignedIn),
            Entry::new("moveCustomer", move_customer).permit(Permit::Records("customer", Operation::Update)).cost(30),
        ],
        fields: vec![neighbours(Arc::clone(asked))],
    }
}

/// A world with three customers of the same city.
async fn town() -> (World, Vec<String>, Arc<AtomicUsize>) {
    let asked = Arc::default();
    let world = World::new().await.with(module(&asked));
    let made = world
        .data(
            r#"mutation { createCustomers(data: [
                { companyName: "A", city: "Oran" }, { companyName: "B", city: "Oran" }, { companyName: "C", city: "Oran" }
            ]) { id } }"#,
        )
        .await;
    let ids = made["createCustomers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
    (world, ids.collect(), asked)
}

/// A member who reads customers, but neither their city nor anything else.
fn reader(world: &World) -> Arc<Caller> {
    let caller = (*testing::caller(&world.db)).clone();
    let grants = Grants {
        others: ObjectGrant { operations: [(Operation::Read, RowScope::All)].into(), ..ObjectGrant::default() },
        ..Grants::default()
    };
    Arc::new(Caller { access: Arc::new(Access::of(grants)), ..caller })
}

#[tokio::test]
async fn a_record_that_an_operation_answers_is_completed_as_any_other() {
    let (world, ids, _) = town().await;
    let document = "mutation ($id: ID!) { moved: moveCustomer(id: $id, city: \"Alger\") {
        __typename city version createdBy { kind } interactions { totalCount } } }";
    let moved = world.data_with(document, json!({ "id": ids[0] })).await;
    assert_eq!(
        moved["moved"],
        json!({ "__typename": "Customer", "city": "Alger", "version": 2, "createdBy": { "kind": "SYSTEM" },
            "interactions": { "totalCount": 0 } })
    );
    let missing = world.ask(document, json!({ "id": "none" })).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "NOT_FOUND", "{missing}");
}

#[tokio::test]
async fn a_page_that_an_operation_answers_has_nodes_edges_and_cursors() {
    let (world, ids, _) = town().await;
    let document = "query ($ids: [ID!]!) { picked(ids: $ids) {
        totalCount pageInfo { hasNextPage startCursor endCursor }
        nodes { name } edges { cursor node { id } } } }";
    let data = world.data_with(document, json!({ "ids": [ids[2], ids[0]] })).await;
    let page = &data["picked"];
    assert_eq!(page["nodes"], json!([{ "name": "C" }, { "name": "A" }]));
    assert_eq!(page["edges"][1], json!({ "cursor": "at2", "node": { "id": ids[0] } }));
    assert_eq!(page["totalCount"], 7);
    assert_eq!(page["pageInfo"], json!({ "hasNextPage": true, "startCursor": "at1", "endCursor": "at2" }));
}

#[tokio::test]
async fn records_within_a_tree_are_read_where_they_stand() {
    let (world, ids, _) = town().await;
    let gone = RecordId::new().to_string();
    let document = "query ($ids: [ID!]!) { found(ids: $ids) {
        total best { name } hits { score customer: record { city name } } } }";
    let data = world.data_with(document, json!({ "ids": [ids[1], gone] })).await;
    assert_eq!(
        data["found"],
        json!({ "total": 2, "best": { "name": "B" }, "hits": [
            { "score": 10, "customer": { "city": "Oran", "name": "B" } }, { "score": 9, "customer": null } ] })
    );
}

#[tokio::test]
async fn an_added_field_is_asked_once_for_all_records() {
    let (world, ids, asked) = town().await;
    let data = world
        .data("{ customers(orderBy: [{ name: ASC }]) { nodes { id neighbours(first: 1) { customer { name } } } } }")
        .await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let nodes = data["customers"]["nodes"].as_array().unwrap();
    assert_eq!(nodes[0]["id"], ids[0]);
    assert_eq!(nodes[0]["neighbours"], json!([{ "customer": { "name": "B" } }]));
    assert_eq!(nodes[2]["neighbours"], json!([{ "customer": { "name": "A" } }]));
    let leaves = world.data("{ customers { nodes { neighbours { distance } } } }").await;
    assert_eq!(leaves["customers"]["nodes"][0]["neighbours"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_operation_answers_is_seen_as_the_caller_may() {
    let (world, ids, _) = town().await;
    let ctx = Ctx::open(testing::caller(&world.db), world.db.clone(), crm::rules()).await.unwrap();
    let customer = ctx.catalog.object("customer").unwrap();
    let hidden = ObjectGrant {
        operations: [(Operation::Read, RowScope::Own)].into(),
        fields: [(customer.field("city").unwrap().id, FieldAccess::Hidden)].into(),
        ..ObjectGrant::default()
    };
    let grants = Grants { objects: [(customer.id, hidden)].into(), ..Grants::default() };
    let caller = Caller { access: Arc::new(Access::of(grants)), ..(*reader(&world)).clone() };
    let actor = Actor::Member(entities::ids::MemberId::new());
    let caller = Arc::new(Caller { actor, ..caller });
    let ids = json!({ "ids": ids });
    let ask = async |query: &str| world.ask_as(Arc::clone(&caller), query, ids.clone()).await;
    let out_of_scope =
        ask("query ($ids: [ID!]!) { picked(ids: $ids) { nodes { name } } found(ids: $ids) { best { name } } }").await;
    assert_eq!(out_of_scope["data"], json!({ "picked": { "nodes": [] }, "found": { "best": null } }));
    let city = ask("query ($ids: [ID!]!) { found(ids: $ids) { total best { city } } }").await;
    assert_eq!(city["errors"][0]["extensions"]["code"], "FORBIDDEN", "{city}");
    assert_eq!(city["data"]["found"], json!({ "total": 3, "best": null }));
}

#[tokio::test]
async fn who_may_not_is_refused_before_the_handler_is_asked() {
    let (world, ids, _) = town().await;
    let document = "mutation ($id: ID!) { moveCustomer(id: $id, city: \"Alger\") { id } }";
    let refused = world.ask_as(reader(&world), document, json!({ "id": ids[0] })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    assert_eq!(
        world.data("{ customers(filter: { city: { eq: \"Alger\" } }) { totalCount } }").await["customers"]["totalCount"],
        0
    );
}

#[tokio::test]
async fn a_write_is_refused_before_it_is_done_where_its_answer_may_not_be_seen() {
    let (world, ids, _) = town().await;
    let ctx = Ctx::open(testing::caller(&world.db), world.db.clone(), crm::rules()).await.unwrap();
    let customer = ctx.catalog.object("customer").unwrap();
    let grant = ObjectGrant {
        operations: [(Operation::Read, RowScope::All), (Operation::Update, RowScope::All)].into(),
        fields: [(customer.field("name").unwrap().id, FieldAccess::Hidden)].into(),
        ..ObjectGrant::default()
    };
    let grants = Grants { objects: [(customer.id, grant)].into(), ..Grants::default() };
    let caller = Arc::new(Caller { access: Arc::new(Access::of(grants)), ..(*reader(&world)).clone() });
    let document = "mutation ($id: ID!) { moveCustomer(id: $id, city: \"Alger\") { name } }";
    let refused = world.ask_as(caller, document, json!({ "id": ids[0] })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    assert_eq!(
        world.data("{ customers(filter: { city: { eq: \"Alger\" } }) { totalCount } }").await["customers"]["totalCount"],
        0
    );
}

#[tokio::test]
async fn records_of_an_operation_have_their_price() {
    let (world, ids, _) = town().await;
    let price = async |document: &str| {
        let Json::Object(variables) = json!({ "ids": [ids[0]] }) else { panic!() };
        let request = crate::graphql::Request { query: document.to_owned(), variables, ..Default::default() };
        let caller = testing::caller(&world.db);
        let Ok(answer) = world.endpoint.respond(caller, world.db.clone(), &request, true).await else {
            panic!("{document}")
        };
        answer.price.cost
    };
    let bare = price("query ($ids: [ID!]!) { found(ids: $ids) { total } }").await;
    let record = price("query ($ids: [ID!]!) { found(ids: $ids) { best { name } } }").await;
    let page = price("query ($ids: [ID!]!) { picked(ids: $ids, first: 20) { nodes { id } } }").await;
    let nested =
        price("query ($ids: [ID!]!) { picked(ids: $ids, first: 20) { nodes { neighbours(first: 5) { distance } } } }")
            .await;
    assert!(bare < record && record < page && page + 20 * 5 < nested, "{bare} {record} {page} {nested}");
}

#[test]
fn a_table_that_is_not_whole_is_refused() {
    let refused = |declared, entries| {
        let table = Table::new(vec![Module { declared, entries, fields: Vec::new() }]);
        let error = table.err().unwrap_or_else(|| panic!("{declared} is taken"));
        assert_eq!(error.code(), Code::Internal);
        error.message().to_owned()
    };
    async fn nothing(_: Ctx, _: NoArgs) -> Result<Option<bool>> {
        Ok(None)
    }
    let entry = || Entry::new("probe", nothing);
    let declared = "extend type Query { \"Asks nothing.\" probe(id: ID): Boolean }";
    assert!(refused(declared, vec![entry()]).contains("`probe` has no permission"));
    assert!(refused(declared, vec![]).contains("no handler"));
    let permitted = || entry().permit(Permit::SignedIn);
    assert!(refused("extend type Query { probe: Boolean }", vec![permitted()]).contains("no description"));
    assert!(refused(declared, vec![permitted(), permitted()]).contains("twice"));
    assert!(refused("type Probe { id: ID }", vec![permitted()]).contains("not declared"));
    assert!(refused("extend type Customer { \"No.\" probe: Boolean }", vec![]).contains("nothing answers"));
    assert!(refused("extend type Query {", vec![]).contains("cannot be read"));
    assert!(refused(declared, vec![permitted().route(Method::Get, "/probes/{no}")]).contains("`no`"));
    let whole = Module { declared, entries: vec![permitted().route(Method::Get, "/probes/{id}")], fields: Vec::new() };
    assert!(Table::new(vec![whole]).is_ok());
}

#[test]
fn every_operation_has_a_permission_and_a_description() {
    let table = Table::of_release().unwrap();
    assert!(table.entries().count() > 50);
    assert!(table.entries().all(|entry| entry.permit.is_some() && entry.cost > 0));
    let names: Vec<&str> = modules().iter().flat_map(|module| &module.entries).map(|entry| entry.name).collect();
    assert!(names.contains(&"me") && names.contains(&"undoRun"));
    assert_eq!(placeholders("/runs/{id}/undo").collect::<Vec<_>>(), ["id"]);
}

#[tokio::test]
async fn operations_for_the_portal_are_not_in_the_schema_of_the_staff() {
    async fn nothing(_: Ctx, _: NoArgs) -> Result<Option<bool>> {
        Ok(Some(true))
    }
    let declared = "extend type Query { \"For customers.\" probe: Boolean \"For members.\" staffProbe: Boolean }";
    let entries = vec![
        Entry::new("probe", nothing).permit(Permit::SignedIn).audience(Audience::Portal),
        Entry::new("staffProbe", nothing).permit(Permit::Named(Permission::ManageRoles)),
    ];
    let world = World::new().await.with(Module { declared, entries, fields: Vec::new() });
    assert_eq!(world.data("{ staffProbe }").await, json!({ "staffProbe": true }));
    let refused = world.ask("{ probe }", json!({})).await;
    assert_eq!(refused["refused"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{refused}");
    let caller = (*testing::caller(&world.db)).clone();
    let customer = Arc::new(Caller { actor: Actor::Customer(RecordId::new()), ..caller });
    let refused = world.ask_as(customer, "{ staffProbe }", json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
}

#[tokio::test]
async fn what_speaks_of_an_object_that_is_not_there_is_left_out() {
    async fn nothing(_: Ctx, _: NoArgs) -> Result<Option<RecordId>> {
        Ok(None)
    }
    let declared = r#"
        extend type Query { "Far." far: Far "Ship." lastShip: Ship "There." there: Boolean }
        extend type Ship { "Crew." crew: Boolean }
        type Far { deep: Deep } type Deep { ship: ShipConnection }"#;
    let entries = ["far", "lastShip", "there"].map(|name| Entry::new(name, nothing).permit(Permit::SignedIn)).into();
    async fn crew(_: Ctx, _: Batch<NoArgs>) -> Result<HashMap<RecordId, bool>> {
        Ok(HashMap::new())
    }
    let fields = vec![AddedField::new("ship", "crew", crew)];
    let world = World::new().await.with(Module { declared, entries, fields });
    let sdl = world.endpoint.sdl(testing::caller(&world.db), world.db.clone()).await.unwrap();
    assert!(sdl.contains("there: Boolean") && !sdl.contains("Ship") && !sdl.contains("Deep") && !sdl.contains("far:"));
}
