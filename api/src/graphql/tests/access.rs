//! Role by object by operation by field by row scope: every combination, with documents that people would send.

use std::sync::Arc;

use ::records::catalog::{
    self, FieldKind,
    spec::{FieldSpec, ObjectSpec},
};
use entities::{
    ids::{FieldId, MemberId, ObjectId, RoleId, UserId},
    tenant::members,
};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use tenants::{
    Access, Actor, Caller, FieldAccess, Operation, Origin, RowScope,
    access::{Granted, Grants, ObjectGrant},
    testing,
};

use super::World;

/// Three people: one whose role is tested, one who shares a team with them, and one who does not.
const WHO: [&str; 3] = ["me", "mate", "stranger"];
const SCOPES: [RowScope; 4] = [RowScope::None, RowScope::Own, RowScope::Team, RowScope::All];
/// Three objects with different rules for whose a record is: by its owner, by the record it belongs to, by its creator.
const OBJECTS: [&str; 4] = ["customer", "interaction", "contactPoint", "vehicle"];

struct Office {
    world: World,
    people: [MemberId; 3],
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let rules = Arc::clone(&world.endpoint.rules);
        let ctx = ::records::Ctx::open(testing::caller(&world.db), world.db.clone(), rules).await.unwrap();
        catalog::create_object(&ctx, ObjectSpec::new("vehicle", "vehicles")).await.unwrap();
        let ctx = ctx.refreshed().await.unwrap();
        catalog::create_field(&ctx, "vehicle", FieldSpec::new("plate", FieldKind::Text)).await.unwrap();
        let people = [MemberId::new(), MemberId::new(), MemberId::new()];
        for (id, name) in people.iter().zip(WHO) {
            let row = members::Model {
                id: *id,
                version: 1,
                name: name.to_owned(),
                name_k: name.to_owned(),
                external_id: None,
                created_at: 0,
                created_by: Actor::System.stored(),
                updated_at: 0,
                updated_by: Actor::System.stored(),
                archived_at: None,
                user_id: UserId::new(),
                role_id: RoleId::new(),
                email: format!("{name}@example.org"),
                email_k: format!("{name}@example.org"),
            };
            members::Entity::insert(row.into_active_model()).exec_without_returning(&world.db).await.unwrap();
        }
        Self { world, people }
    }

    /// A caller who may do everything.
    fn free(&self, who: usize) -> Arc<Caller> {
        self.caller(who, Access::All)
    }

    fn caller(&self, who: usize, access: Access) -> Arc<Caller> {
        let actor = Actor::Member(self.people[who]);
        let caller = (*testing::caller(&self.world.db)).clone();
        Arc::new(Caller { actor, origin: Origin::Graphql, access: Arc::new(access), ..caller })
    }

    /// The tested caller, with operations on one object; everything is allowed on the others.
    async fn tried(
        &self,
        object: &str,
        operations: &[(Operation, RowScope)],
        hidden: &[(FieldId, FieldAccess)],
    ) -> Arc<Caller> {
        let all = ObjectGrant {
            operations: Operation::ALL.into_iter().map(|operation| (operation, RowScope::All)).collect(),
            ..ObjectGrant::default()
        };
        let named = ObjectGrant {
            operations: operations.iter().copied().collect(),
            fields: hidden.iter().copied().collect(),
            ..ObjectGrant::default()
        };
        let objects = [(self.object(object).await, named)].into();
        let grants = Arc::new(Grants { others: all, objects, ..Grants::default() });
        self.caller(0, Access::Granted(Granted { grants, team: self.people[..2].to_vec() }))
    }

    async fn object(&self, name: &str) -> ObjectId {
        catalog::current(&self.world.db).await.unwrap().object(name).unwrap().id
    }

    async fn field(&self, object: &str, name: &str) -> FieldId {
        catalog::current(&self.world.db).await.unwrap().object(object).unwrap().field(name).unwrap().id
    }

    /// A record of each of the three.
    async fn records(&self, object: &str) -> [String; 3] {
        let mut ids = [String::new(), String::new(), String::new()];
        for (who, id) in ids.iter_mut().enumerate() {
            *id = self.record(object, who).await;
        }
        ids
    }

    async fn record(&self, object: &str, who: usize) -> String {
        let name = object[..1].to_uppercase() + &object[1..];
        let data = match object {
            "customer" => json!({ "name": "x" }),
            "vehicle" => json!({ "plate": "x" }),
            part => {
                let customer = Box::pin(self.record("customer", who)).await;
                match part {
                    "interaction" => json!({ "customer": customer, "kind": "note", "subject": "x" }),
                    _ => json!({ "customer": customer, "kind": "email", "value": "x@example.org" }),
                }
            }
        };
        let query = format!("mutation ($data: {name}CreateInput!) {{ create{name}(data: $data) {{ id }} }}");
        let made = self.world.ask_as(self.free(who), &query, json!({ "data": data })).await;
        made["data"][format!("create{name}")]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }
}

/// Whether a scope includes the record of one of the three.
fn reaches(scope: RowScope, who: usize) -> bool {
    match scope {
        RowScope::None => false,
        RowScope::Own => who == 0,
        RowScope::Team => who < 2,
        RowScope::All => true,
    }
}

/// The code of the first error; empty if there is none.
fn code(answer: &Json) -> &str {
    let error = answer["errors"].get(0).or_else(|| answer["refused"].get(0));
    error.map_or("", |error| error["extensions"]["code"].as_str().unwrap_or("none"))
}

fn writes(object: &str) -> [(Operation, String); 4] {
    let name = object[..1].to_uppercase() + &object[1..];
    let field = match object {
        "customer" => "city",
        "interaction" => "subject",
        "contactPoint" => "label",
        _ => "plate",
    };
    [
        (
            Operation::Update,
            format!("mutation ($id: ID!) {{ update{name}(id: $id, data: {{ {field}: \"y\" }}) {{ id }} }}"),
        ),
        (Operation::Delete, format!("mutation ($id: ID!) {{ delete{name}(id: $id) {{ id }} }}")),
        (Operation::Restore, format!("mutation ($id: ID!) {{ restore{name}(id: $id) {{ id }} }}")),
        (Operation::Destroy, format!("mutation ($id: ID!) {{ destroy{name}(id: $id) }}")),
    ]
}

#[tokio::test]
async fn every_write_reaches_what_the_role_says() {
    let office = Office::new().await;
    for object in OBJECTS {
        for (operation, document) in writes(object) {
            for scope in SCOPES {
                let ids = office.records(object).await;
                let caller = office.tried(object, &[(Operation::Read, RowScope::All), (operation, scope)], &[]).await;
                for (who, id) in ids.iter().enumerate() {
                    let answer = office.world.ask_as(Arc::clone(&caller), &document, json!({ "id": id })).await;
                    let expected = if reaches(scope, who) { "" } else { "FORBIDDEN" };
                    assert_eq!(code(&answer), expected, "{object} {operation:?} {scope:?} {}: {answer}", WHO[who]);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_out_of_sight_is_not_there() {
    let office = Office::new().await;
    let nowhere = uuid::Uuid::now_v7().to_string();
    for object in OBJECTS {
        for scope in SCOPES.into_iter().filter(|scope| *scope != RowScope::None) {
            let ids = office.records(object).await;
            let caller = office
                .tried(
                    object,
                    &Operation::ALL.map(|o| (o, if o == Operation::Read { scope } else { RowScope::All })),
                    &[],
                )
                .await;
            let ask = |query: String, variables: Json| {
                office.world.ask_as(Arc::clone(&caller), Box::leak(query.into_boxed_str()), variables)
            };
            let plural = format!("{object}s");
            let query = format!(
                "query ($ids: [ID!]!) {{ {plural}(filter: {{ id: {{ in: $ids }} }}) {{ totalCount nodes {{ id }} }}
                    {plural}Aggregate(filter: {{ id: {{ in: $ids }} }}) {{ count }} }}"
            );
            let found = ask(query, json!({ "ids": ids })).await;
            let seen = (0..3).filter(|who| reaches(scope, *who)).count();
            let data = &found["data"];
            assert_eq!(
                (&data[&plural]["totalCount"], &data[format!("{plural}Aggregate")]["count"]),
                (&json!(seen), &json!(seen)),
                "{object} {scope:?} {found}"
            );
            for (who, id) in ids.iter().enumerate() {
                let query = format!("query ($id: ID!) {{ {object}(id: $id) {{ id history {{ nodes {{ kind }} }} }} }}");
                let one = ask(query, json!({ "id": id })).await;
                assert_eq!(one["data"][object].is_object(), reaches(scope, who), "{object} {scope:?} {one}");
                if reaches(scope, who) {
                    continue;
                }
                for (operation, document) in writes(object) {
                    let (theirs, none) = (
                        ask(document.clone(), json!({ "id": id })).await,
                        ask(document, json!({ "id": nowhere })).await,
                    );
                    assert_eq!(code(&theirs), "NOT_FOUND", "{object} {operation:?} {scope:?} {theirs}");
                    assert_eq!(theirs["errors"], none["errors"], "in the same words as one that never was");
                }
            }
            let reported =
                ask(format!("{{ changes(objects: [\"{object}\"], first: 1000) {{ nodes {{ record }} }} }}"), json!({}))
                    .await
                    .to_string();
            for (who, id) in ids.iter().enumerate() {
                assert_eq!(reported.contains(id), reaches(scope, who), "{object} {scope:?} feed");
            }
        }
    }
}

#[tokio::test]
async fn an_object_that_is_not_read_is_not_read_in_any_way() {
    let office = Office::new().await;
    for object in OBJECTS {
        let ids = office.records(object).await;
        let caller = office.tried(object, &[(Operation::Create, RowScope::All)], &[]).await;
        let plural = format!("{object}s");
        for query in [
            format!("{{ {plural} {{ totalCount }} }}"),
            format!("{{ {object}(id: \"{}\") {{ id }} }}", ids[0]),
            format!("{{ {plural}Aggregate {{ count }} }}"),
            format!("{{ changes(objects: [\"{object}\"]) {{ lastSeq }} }}"),
        ] {
            let answer = office.world.ask_as(Arc::clone(&caller), &query, json!({})).await;
            assert_eq!(code(&answer), "FORBIDDEN", "{query} {answer}");
        }
        let feed =
            office.world.ask_as(Arc::clone(&caller), "{ changes(first: 1000) { nodes { object } } }", json!({})).await;
        assert!(code(&feed).is_empty() && !feed.to_string().contains(&format!("\"{object}\"")), "{feed}");
    }
}

#[tokio::test]
async fn new_records_are_ones_that_the_role_may_make() {
    let office = Office::new().await;
    for scope in SCOPES {
        let scopes = [(Operation::Read, RowScope::All), (Operation::Create, scope)];
        let caller = office.tried("customer", &scopes, &[]).await;
        let query = "mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { owner { id } } }";
        for (who, member) in office.people.iter().enumerate() {
            let data = json!({ "data": { "name": "x", "owner": member.to_string() } });
            let made = office.world.ask_as(Arc::clone(&caller), query, data).await;
            let expected = match (scope, reaches(scope, who)) {
                (RowScope::None, _) => "FORBIDDEN",
                (_, true) => "",
                (_, false) => "VALIDATION_FAILED",
            };
            assert_eq!(code(&made), expected, "{scope:?} {} {made}", WHO[who]);
        }
        if scope != RowScope::None {
            let made = office.world.ask_as(Arc::clone(&caller), query, json!({ "data": { "name": "x" } })).await;
            assert_eq!(made["data"]["createCustomer"]["owner"]["id"], office.people[0].to_string(), "{made}");
        }
        let customers = office.records("customer").await;
        let caller = office.tried("interaction", &scopes, &[]).await;
        let query = "mutation ($data: InteractionCreateInput!) { createInteraction(data: $data) { id } }";
        for (who, customer) in customers.iter().enumerate().filter(|_| scope != RowScope::None) {
            let data = json!({ "data": { "customer": customer, "kind": "note" } });
            let made = office.world.ask_as(Arc::clone(&caller), query, data).await;
            let expected = if reaches(scope, who) { "" } else { "VALIDATION_FAILED" };
            assert_eq!(code(&made), expected, "{scope:?} {} {made}", WHO[who]);
        }
    }
}

#[tokio::test]
async fn who_may_only_create_learns_the_id_of_what_was_created() {
    let office = Office::new().await;
    let caller = office.tried("customer", &[(Operation::Create, RowScope::All)], &[]).await;
    let ask = async |query: &str| office.world.ask_as(Arc::clone(&caller), query, json!({})).await;
    let made = ask("mutation { createCustomer(data: { name: \"x\" }) { id } }").await;
    assert!(made["data"]["createCustomer"]["id"].is_string(), "{made}");
    let count = async || office.world.data("{ customers { totalCount } }").await["customers"]["totalCount"].clone();
    let before = count().await;
    let more = ask("mutation { createCustomer(data: { name: \"y\" }) { id name } }").await;
    assert_eq!((code(&more), count().await), ("FORBIDDEN", before), "and nothing was written: {more}");
}

#[tokio::test]
async fn the_access_to_a_field_holds_for_every_way_in() {
    let office = Office::new().await;
    let id = office.record("customer", 0).await;
    let city = office.field("customer", "city").await;
    let all = Operation::ALL.map(|operation| (operation, RowScope::All));
    let reads = [
        "{ customers { nodes { city } } }",
        "{ customers(filter: { city: { eq: \"y\" } }) { totalCount } }",
        "{ customers(orderBy: [{ city: ASC }]) { totalCount } }",
        "{ customersAggregate(groupBy: [{ city: VALUE }]) { groups { count } } }",
    ];
    let writes = [
        "mutation { createCustomer(data: { name: \"x\", city: \"y\" }) { id } }".to_owned(),
        format!("mutation {{ updateCustomer(id: \"{id}\", data: {{ city: \"z\" }}) {{ id }} }}"),
        "mutation { createCustomers(data: [{ name: \"x\", city: \"y\" }]) { id } }".to_owned(),
    ];
    for access in [FieldAccess::Hidden, FieldAccess::Read, FieldAccess::Write] {
        let caller = office.tried("customer", &all, &[(city, access)]).await;
        for query in reads {
            let answer = office.world.ask_as(Arc::clone(&caller), query, json!({})).await;
            assert_eq!(code(&answer).is_empty(), access >= FieldAccess::Read, "{access:?} {query} {answer}");
        }
        for query in &writes {
            let answer = office.world.ask_as(Arc::clone(&caller), query, json!({})).await;
            assert_eq!(code(&answer).is_empty(), access == FieldAccess::Write, "{access:?} {query} {answer}");
        }
    }
}

#[tokio::test]
async fn bulk_changes_and_links_stay_within_reach() {
    let office = Office::new().await;
    let ids = office.records("customer").await;
    let scopes =
        [(Operation::Read, RowScope::Team), (Operation::Update, RowScope::Own), (Operation::Create, RowScope::All)];
    let caller = office.tried("customer", &scopes, &[]).await;
    let ask = async |query: &str, variables: Json| office.world.ask_as(Arc::clone(&caller), query, variables).await;
    let all = ask(
        "mutation { updateCustomers(filter: {}, data: { city: \"y\" }, all: true) { matched changed } }",
        json!({}),
    )
    .await;
    assert_eq!(all["data"]["updateCustomers"], json!({ "matched": 1, "changed": 1 }), "{all}");
    let link = "mutation ($id: ID!) { createInteraction(data: { customer: $id, kind: \"note\" }) { id } }";
    assert_eq!(code(&ask(link, json!({ "id": ids[1] })).await), "");
    assert_eq!(code(&ask(link, json!({ "id": ids[2] })).await), "VALIDATION_FAILED", "a link to what is not there");
    let free = office.free(2);
    office.world.ask_as(free, link, json!({ "id": ids[2] })).await;
    let through = "query ($id: ID!) { interactions(filter: { customer: { id: { eq: $id } } }) { totalCount } }";
    let shown = ask(through, json!({ "id": ids[2] })).await;
    assert_eq!(shown["data"]["interactions"]["totalCount"], 0, "what belongs to a record out of sight: {shown}");
    let some = "{ customers(filter: { organisation: { name: { eq: \"x\" } } }) { totalCount } }";
    let whole = "mutation ($id: ID!, $to: ID!) { updateCustomer(id: $id, data: { organisation: $to }) { id } }";
    office.world.ask_as(office.free(0), whole, json!({ "id": ids[0], "to": ids[2] })).await;
    assert_eq!(
        ask(some, json!({})).await["data"]["customers"]["totalCount"],
        0,
        "a condition looks at no record out of sight"
    );
    assert_eq!(office.world.data(some).await["customers"]["totalCount"], 1);
}

#[tokio::test]
async fn an_explanation_says_why() {
    let office = Office::new().await;
    let ids = office.records("customer").await;
    let query = "query ($id: ID!, $member: ID!) { explainAccess(object: \"customer\", id: $id, member: $member) {
        operations { operation allowed scope reason } fields { field access } } }";
    let variables = json!({ "id": ids[2], "member": office.people[0].to_string() });
    let reported = office.world.ask(query, variables.clone()).await;
    let reported = &reported["data"]["explainAccess"]["operations"];
    assert_eq!(reported.as_array().map(Vec::len), Some(9), "{reported}");
    assert_eq!(reported[1]["allowed"], false, "their role is not there: {reported}");
    let blind = office.tried("customer", &[(Operation::Read, RowScope::Own)], &[]).await;
    let unseen = office.world.ask_as(blind, query, variables).await;
    assert_eq!(code(&unseen), "NOT_FOUND", "who does not see the record learns nothing of it: {unseen}");
    let nosy = office.tried("customer", &[(Operation::Read, RowScope::All)], &[]).await;
    let other = json!({ "id": ids[2], "member": office.people[1].to_string() });
    assert_eq!(code(&office.world.ask_as(nosy, query, other).await), "FORBIDDEN");
}
