//! Objects and fields created through the endpoint, and used in the next request.

use serde_json::{Value as Json, json};

use super::World;

#[tokio::test]
async fn a_field_is_used_in_the_next_request() {
    let world = World::new().await;
    world.data("{ customers { totalCount } }").await;
    let created = world
        .data(
            r#"mutation { createField(input: {
                object: "customer", name: "loyaltyTier", label: { en: "Loyalty tier", fr: "Fidélité" }, type: SELECT,
                options: [{ value: "gold", label: { en: "Gold" } }, { value: "silver" }]
            }) { name type state options { value label { en } } label { fr } } }"#,
        )
        .await;
    assert_eq!(created["createField"]["type"], "SELECT");
    assert_eq!(created["createField"]["options"][0]["label"]["en"], "Gold");
    let written = world
        .data(r#"mutation { createCustomer(data: { companyName: "A", loyaltyTier: "gold" }) { loyaltyTier } }"#)
        .await;
    assert_eq!(written["createCustomer"]["loyaltyTier"], "gold");
    let found = world
        .data(
            r#"{ customers(filter: { loyaltyTier: { in: ["gold"] } }, orderBy: [{ loyaltyTier: ASC }]) { totalCount }
            customersAggregate(groupBy: [{ loyaltyTier: VALUE }]) { groups { key { loyaltyTier } count } } }"#,
        )
        .await;
    assert_eq!(found["customers"]["totalCount"], 1);
    assert_eq!(found["customersAggregate"]["groups"][0]["key"]["loyaltyTier"], "gold");
}

#[tokio::test]
async fn catalog_and_data_change_in_one_document() {
    let world = World::new().await;
    let done = world
        .data(
            r#"mutation {
                createField(input: { object: "customer", name: "shoeSize", type: DECIMAL, scale: 1 }) { id scale }
                createCustomer(data: { companyName: "A" }) { name }
            }"#,
        )
        .await;
    assert_eq!(done["createField"]["scale"], 1);
    assert_eq!(done["createCustomer"]["name"], "A");
}

#[tokio::test]
async fn objects_relations_and_rollups_appear() {
    let world = World::new().await;
    world
        .data(
            r#"mutation {
                createObject(input: { name: "vehicle", plural: "vehicles", label: { en: "Vehicle" } }) { name }
                a: createField(input: { object: "vehicle", name: "holder", type: RELATION, relation: { to: "customer", kind: MANY_TO_ONE, inverse: "vehicles" } }) { relation { to inverse } }
                b: createField(input: { object: "vehicle", name: "price", type: MONEY }) { name }
                c: createField(input: { object: "customer", name: "vehiclesCount", type: ROLLUP, rollup: { relation: "vehicles", function: COUNT } }) { rollup { function relation } }
            }"#,
        )
        .await;
    let customer = world.data(r#"mutation { createCustomer(data: { companyName: "A" }) { id } }"#).await;
    let id = &customer["createCustomer"]["id"];
    let vehicle = world
        .data_with(
            r#"mutation($id: ID) { createVehicle(data: { name: "Clio", holder: $id, price: { amount: "12.5" } }) { holder { name vehiclesCount vehicles { nodes { name price { amount currency base } } } } } }"#,
            json!({ "id": id }),
        )
        .await;
    let holder = &vehicle["createVehicle"]["holder"];
    assert_eq!(holder["vehiclesCount"], 1);
    assert_eq!(holder["vehicles"]["nodes"][0]["price"]["currency"], "DZD", "{holder}");
    let found = world
        .data(
            r#"{ customers(filter: { vehicles: { some: { price: { gt: 10 } } } }) { totalCount }
            vehicles(filter: { holder: { name: { startsWith: "a" } } }, orderBy: [{ price: DESC }]) { nodes { name } }
            vehiclesAggregate(groupBy: [{ holder: VALUE }]) { sum { price } groups { key { holder } avg { price } } } }"#,
        )
        .await;
    assert_eq!(found["customers"]["totalCount"], 1);
    assert_eq!(found["vehicles"]["nodes"][0]["name"], "Clio");
    assert_eq!(found["vehiclesAggregate"]["groups"][0]["key"]["holder"], *id, "{found}");
}

#[tokio::test]
async fn the_catalog_is_shown_and_changed() {
    let world = World::new().await;
    let objects =
        world.data("{ objects { name origin fields { name type state origin relation { to kind } } } }").await;
    let names: Vec<&str> =
        objects["objects"].as_array().unwrap().iter().filter_map(|object| object["name"].as_str()).collect();
    assert!(names.contains(&"customer") && names.contains(&"member"), "{names:?}");
    let field = world
        .data(r#"mutation { createField(input: { object: "customer", name: "note", type: TEXT }) { id position } }"#)
        .await;
    let id = &field["createField"]["id"];
    let changed = world
        .data_with(
            r#"mutation($id: ID!) { updateField(id: $id, input: { name: "remark", required: false, validation: { max: 5 } }) { name validation { max } }
            preview: deleteField(id: $id, preview: true) { records } deleteField(id: $id) { records fields } }"#,
            json!({ "id": id }),
        )
        .await;
    assert_eq!(changed["updateField"], json!({ "name": "remark", "validation": { "max": "5" } }));
    let answer = world.ask("{ customers { nodes { remark } } }", json!({})).await;
    assert_eq!(answer["refused"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let taken = world
        .ask(r#"mutation { createField(input: { object: "customer", name: "city", type: TEXT }) { id } }"#, json!({}))
        .await;
    assert_eq!(taken["errors"][0]["extensions"]["code"], "NAME_TAKEN");
    assert_eq!(taken["data"], json!({ "createField": Json::Null }));
}

#[tokio::test]
async fn equal_shapes_share_a_schema() {
    let (one, other) = (World::new().await, World::new().await);
    let sdl = |world: &World| {
        let (caller, db) = (tenants::testing::caller(&world.db), world.db.clone());
        let endpoint = &one.endpoint;
        async move { endpoint.sdl(caller, db).await.unwrap() }
    };
    let (first, second) = (sdl(&one).await, sdl(&other).await);
    assert_eq!(first, second);
    assert_eq!(one.endpoint.schemas.numbers()[2], 1, "two tenants, one schema");
    async_graphql_parser::parse_schema(&first).unwrap();
}

#[tokio::test]
async fn what_another_process_made_is_known() {
    let world = World::new().await;
    let field = r#"mutation { createField(input: { object: "customer", name: "tier", type: SELECT, options: [{ value: "gold" }] }) { id } }"#;
    let ask = async |ctx: ::records::Ctx, query: &str| {
        let request = crate::graphql::Request { query: query.to_owned(), ..crate::graphql::Request::default() };
        let answer =
            world.endpoint.respond_in(ctx, &request, true).await.map_err(|refusal| refusal.errors[0].message.clone());
        serde_json::from_slice::<Json>(&answer.unwrap().body).unwrap()
    };
    let ctx = async || {
        let rules = std::sync::Arc::clone(&world.endpoint.rules);
        ::records::Ctx::open(tenants::testing::caller(&world.db), world.db.clone(), rules).await.unwrap()
    };
    let before = ctx().await;
    let id = world.data(field).await["createField"]["id"].clone();
    let written =
        ask(before.clone(), r#"mutation { createCustomer(data: { companyName: "A", tier: "gold" }) { tier } }"#).await;
    assert_eq!(written["data"]["createCustomer"]["tier"], "gold", "a field");
    let known = ctx().await;
    world
        .data_with(
            r#"mutation($id: ID!) { updateField(id: $id, input: { options: [{ value: "gold" }, { value: "iron" }] }) { id } }"#,
            json!({ "id": id }),
        )
        .await;
    let written =
        ask(known.clone(), r#"mutation { createCustomer(data: { companyName: "B", tier: "iron" }) { tier } }"#).await;
    assert_eq!(written["data"]["createCustomer"]["tier"], "iron", "an option written: {written}");
    let found = ask(known, r#"{ customers(filter: { tier: { eq: "iron" } }) { totalCount } }"#).await;
    assert_eq!(found["data"]["customers"]["totalCount"], 1, "an option looked for: {found}");
    let shown = ask(before.clone(), r#"{ object(name: "customer") { fields { name } } }"#).await;
    assert!(shown.to_string().contains("tier"), "the catalog");
    let shown = ask(before, r#"{ __type(name: "Customer") { fields { name } } }"#).await;
    assert!(shown.to_string().contains("tier"), "introspection");
}
