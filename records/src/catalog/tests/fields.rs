//! Fields that admins create and change.

use serde_json::json;
use tenants::Code;

use super::*;
use crate::catalog::{
    self, Cardinality, FieldPatch, FieldState, Labels, ObjectPatch, SectionPatch, Validation, spec::SectionSpec,
};

#[tokio::test]
async fn a_field_is_usable_in_the_next_request() {
    let mut space = Space::new().await;
    let tier = FieldSpec::new("loyaltyTier", select(&["gold", "silver"])).label(labels("Tier", "Niveau", "Nivel"));
    let made = catalog::create_field(&space.ctx, "customer", tier.section("identity")).await.unwrap();
    assert_eq!((made.state, made.writable), (FieldState::Active, true));
    // the old plan is refused, the next one knows the field
    let stale = space.create("customer", named("Amel")).await;
    assert_eq!(code(stale), Code::StaleCatalog);
    space.next().await;
    let id = space.create("customer", json!({ "name": "Amel", "loyaltyTier": "gold" })).await.unwrap();
    assert_eq!(space.read("customer.loyaltyTier", id).await, text("gold"));
    let index = format!("ix_{}__{}", space.ctx.catalog.object("customer").unwrap().table, made.column);
    assert_eq!(space.ctx.db.index_is_valid(&index).await.unwrap(), Some(true));
}

#[tokio::test]
async fn every_type_can_be_made_and_written() {
    let mut space = Space::new().await;
    let types = [
        (FieldKind::Text, json!("x")),
        (FieldKind::LongText, json!("x\ny")),
        (FieldKind::Integer, json!(5)),
        (FieldKind::Decimal { scale: 3 }, json!("1.234")),
        (FieldKind::Money, json!({ "amount": "5", "currency": "DZD" })),
        (FieldKind::Percent, json!("12.5")),
        (FieldKind::Rating { max: 5 }, json!(3)),
        (FieldKind::Boolean, json!(true)),
        (FieldKind::Date, json!("2026-03-14")),
        (FieldKind::DateTime, json!("2026-03-14T10:00:00Z")),
        (FieldKind::Duration, json!("PT1H")),
        (select(&["a"]), json!("a")),
        (FieldKind::MultiSelect { options: select_options(&["a", "b"]) }, json!(["a", "b"])),
        (FieldKind::Tags, json!(["vip"])),
        (FieldKind::Email, json!("a@example.org")),
        (FieldKind::Phone, json!("0550 12 34 56")),
        (FieldKind::Url, json!("https://example.org/")),
        (FieldKind::Json, json!({ "a": 1 })),
    ];
    let mut record = serde_json::Map::new();
    for (i, (kind, value)) in types.into_iter().enumerate() {
        let name = format!("field{i}");
        let spec = FieldSpec::new(&name, kind);
        catalog::create_field(&space.ctx, "customer", spec).await.unwrap();
        record.insert(name, value);
    }
    space.next().await;
    let id = space.create("customer", Json::Object(record.clone())).await.unwrap();
    for (name, value) in record {
        let path = format!("customer.{name}");
        let read = space.read(&path, id).await;
        assert_ne!(read, Value::Null, "{name} {value}");
    }
}

fn select_options(values: &[&str]) -> Vec<Choice> {
    match select(values) {
        FieldKind::Select { options } => options,
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn required_needs_a_value_in_every_row() {
    let mut space = Space::new().await;
    space.create("customer", named("Amel")).await.unwrap();
    let old = space.create("customer", named("Brahim")).await.unwrap();
    let wanted = || FieldSpec::new("segment", FieldKind::Text).required();
    let refused = catalog::create_field(&space.ctx, "customer", wanted()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ValidationFailed);
    let (part, why) = complaint(&refused);
    assert!(part == "required" && why.starts_with("2 records"), "{why}");

    let new_only = Validation { required_for_new_only: true, ..Validation::default() };
    let later = wanted().validation(new_only);
    catalog::create_field(&space.ctx, "customer", later).await.unwrap();
    let given = FieldSpec::new("level", FieldKind::Text).required().default("Basic");
    catalog::create_field(&space.ctx, "customer", given).await.unwrap();
    space.next().await;
    assert_eq!(space.read("customer.level", old).await, text("Basic"));
    assert_eq!(space.read("customer.segment", old).await, Value::Null);

    let segment = space.field("customer.segment").id;
    let all = FieldPatch { validation: Some(Validation::default()), required: Some(true), ..FieldPatch::default() };
    assert_eq!(code(catalog::update_field(&space.ctx, segment, all.clone()).await), Code::ValidationFailed);
    let all = FieldPatch { default: Some(Some(json!("none"))), ..all };
    catalog::update_field(&space.ctx, segment, all).await.unwrap();
    space.next().await;
    assert_eq!(space.read("customer.segment", old).await, text("none"));
}

#[tokio::test]
async fn options_in_use_stay() {
    let mut space = Space::new().await;
    let spec = FieldSpec::new("tier", select(&["gold", "silver"]));
    let tier = catalog::create_field(&space.ctx, "customer", spec).await.unwrap();
    space.next().await;
    space.create("customer", json!({ "tier": "gold" })).await.unwrap();
    let options = |values: &[&str]| FieldPatch { options: Some(select_options(values)), ..FieldPatch::default() };
    let removed = catalog::update_field(&space.ctx, tier.id, options(&["silver"])).await;
    assert_eq!(code(removed), Code::OptionInUse);
    let replaced = catalog::update_field(&space.ctx, tier.id, options(&["gold", "bronze"])).await.unwrap();
    assert_eq!(replaced.options().len(), 2);
    let badly = catalog::update_field(&space.ctx, tier.id, options(&["gold", "Bad one"])).await;
    assert_eq!(code(badly), Code::ValidationFailed);
    let standard = space.field("customer.status").id;
    assert_eq!(code(catalog::update_field(&space.ctx, standard, options(&["active"])).await), Code::BadRequest);
}

#[tokio::test]
async fn uniqueness_holds_once_it_is_set() {
    let mut space = Space::new().await;
    let plate = catalog::create_field(&space.ctx, "customer", FieldSpec::new("badge", FieldKind::Text)).await.unwrap();
    space.next().await;
    space.create("customer", json!({ "badge": "A1" })).await.unwrap();
    let twin = space.create("customer", json!({ "badge": "a1" })).await.unwrap();
    let unique = |unique| FieldPatch { unique: Some(unique), ..FieldPatch::default() };
    let refused = catalog::update_field(&space.ctx, plate.id, unique(true)).await.unwrap_err();
    assert_eq!((refused.code(), complaint(&refused).0.as_str()), (Code::ValidationFailed, "unique"));
    let object = space.ctx.catalog.object("customer").unwrap().id;
    engine::archive(&space.ctx, object, twin).await.unwrap();
    catalog::update_field(&space.ctx, plate.id, unique(true)).await.unwrap();
    space.next().await;
    let again = space.create("customer", json!({ "badge": "A1" })).await;
    assert!(again.is_err());
    catalog::update_field(&space.ctx, plate.id, unique(false)).await.unwrap();
    space.next().await;
    space.create("customer", json!({ "badge": "A1" })).await.unwrap();
}

#[tokio::test]
async fn names_are_taken_reserved_or_free() {
    let mut space = Space::new().await;
    let field = |name: &str| FieldSpec::new(name, FieldKind::Text);
    assert_eq!(code(catalog::create_field(&space.ctx, "customer", field("email")).await), Code::NameTaken);
    assert_eq!(code(catalog::create_field(&space.ctx, "customer", field("and")).await), Code::NameReserved);
    assert_eq!(code(catalog::create_field(&space.ctx, "nothing", field("x")).await), Code::NotFound);
    assert_eq!(code(catalog::create_field(&space.ctx, "member", field("x")).await), Code::BadRequest);
    assert_eq!(
        code(catalog::create_object(&space.ctx, ObjectSpec::new("campaign", "pushes")).await),
        Code::NameReserved
    );

    // a release brings a field whose name an admin has taken
    let mine = catalog::create_field(&space.ctx, "customer", field("jobTitle")).await.unwrap();
    let mut specs = standard();
    specs[1].fields.push(field("jobTitle"));
    catalog::provision(&space.ctx.db, &specs).await.unwrap();
    space.next().await;
    assert_eq!(space.field("customer.jobTitle").id, mine.id);
    assert!(space.ctx.catalog.object("customer").unwrap().standard("jobTitle").is_none());
    let renamed = FieldPatch { name: Some("myTitle".to_owned()), ..FieldPatch::default() };
    catalog::update_field(&space.ctx, mine.id, renamed).await.unwrap();
    space.next().await;
    assert_eq!(space.field("customer.myTitle").id, mine.id);
    assert_eq!(space.ctx.catalog.object("customer").unwrap().standard("jobTitle").unwrap().state, FieldState::Active);
}

#[tokio::test]
async fn objects_sections_and_links_of_admins() {
    let mut space = Space::new().await;
    let spec = ObjectSpec::new("vehicle", "vehicles").labelled(labels("Vehicle", "", ""), Labels::new()).owned();
    let vehicle = catalog::create_object(&space.ctx, spec).await.unwrap();
    let owner = RelationSpec::to_one("customer").inverse("vehicles", labels("Vehicles", "", ""));
    catalog::create_field(&space.ctx, "vehicle", FieldSpec::new("customer", owner)).await.unwrap();
    let drivers = RelationSpec::to_many("customer").inverse("drives", Labels::new());
    catalog::create_field(&space.ctx, "vehicle", FieldSpec::new("drivers", drivers)).await.unwrap();
    let link = space.next().await.catalog.object("vehicle").unwrap().field("customer").unwrap().id;
    let needed = FieldPatch { required: Some(true), ..FieldPatch::default() };
    assert_eq!(code(catalog::update_field(&space.ctx, link, needed.clone()).await), Code::ValidationFailed);
    let cascade = FieldPatch { on_destroy: Some(OnDestroy::Cascade), ..needed };
    assert!(catalog::update_field(&space.ctx, link, cascade).await.unwrap().required);
    let back = space.next().await.catalog.object("customer").unwrap().field("vehicles").unwrap();
    assert_eq!(back.relation().unwrap().on_destroy, OnDestroy::Cascade);
    let section = SectionSpec { name: "papers".to_owned(), label: Labels::new(), position: None };
    let section = catalog::create_section(&space.ctx, "vehicle", section).await.unwrap();
    space.next().await;
    let drives = space.field("customer.drives").relation().unwrap();
    assert_eq!((drives.cardinality, drives.forward), (Cardinality::ManyToMany, false));
    assert!(drives.link_table.is_some());
    let customer = space.create("customer", named("Amel")).await.unwrap();
    let car = json!({ "name": "Clio", "customer": customer.to_string(), "drivers": [customer.to_string()] });
    space.create("vehicle", car).await.unwrap();

    let order = [space.field("vehicle.drivers").id, space.field("vehicle.customer").id];
    let ordered = catalog::reorder_fields(&space.ctx, "vehicle", Some("papers"), &order).await.unwrap();
    let placed: Vec<FieldId> =
        ordered.fields.iter().filter(|field| field.section == Some(section.id)).map(|field| field.id).collect();
    assert_eq!(placed, order);
    let titled = SectionPatch { name: Some("documents".to_owned()), ..SectionPatch::default() };
    assert_eq!(catalog::update_section(&space.ctx, section.id, titled).await.unwrap().name, "documents");
    catalog::delete_section(&space.ctx, section.id).await.unwrap();
    let renamed =
        ObjectPatch { name: Some("car".to_owned()), plural: Some("cars".to_owned()), ..ObjectPatch::default() };
    assert_eq!(catalog::update_object(&space.ctx, vehicle.id, renamed).await.unwrap().plural, "cars");
    space.next().await;
    assert_eq!(space.field("car.drivers").section, None);
    let standard = space.ctx.catalog.object("customer").unwrap().id;
    let renamed = ObjectPatch { name: Some("client".to_owned()), ..ObjectPatch::default() };
    assert_eq!(code(catalog::update_object(&space.ctx, standard, renamed).await), Code::BadRequest);
}

#[tokio::test]
async fn changes_at_the_same_time_wait_for_each_other() {
    let mut space = Space::new().await;
    let make = |name: &str| {
        let (ctx, spec) = (space.ctx.clone(), FieldSpec::new(name, FieldKind::Integer));
        async move { catalog::create_field(&ctx, "customer", spec).await.unwrap() }
    };
    let (a, b, c, d) = tokio::join!(make("one"), make("two"), make("three"), make("four"));
    let mut columns = vec![a.column, b.column, c.column, d.column];
    columns.sort();
    columns.dedup();
    assert_eq!(columns.len(), 4);
    assert_eq!(space.next().await.catalog.version, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_come_while_others_write() {
    let space = Space::new().await;
    let writer = |first: i32| {
        let mut ctx = space.ctx.clone();
        tokio::spawn(async move {
            let mut written = 0;
            for n in first..first + 30 {
                loop {
                    let customer = ctx.catalog.object("customer").unwrap();
                    let mut draft = Draft::default();
                    draft.set(customer.field("name").unwrap().id, text(&format!("Customer {n}")));
                    match engine::create(&ctx, customer.id, vec![draft], &[]).await {
                        Ok(_) => break written += 1,
                        Err(error) if error.code() == Code::StaleCatalog => ctx = ctx.refreshed().await.unwrap(),
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            written
        })
    };
    let writers = [writer(0), writer(100), writer(200)];
    for n in 0..8 {
        let spec = FieldSpec::new(&format!("note{n}"), FieldKind::Text).required().default("none");
        catalog::create_field(&space.ctx, "customer", spec).await.unwrap();
    }
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    let ctx = space.ctx.refreshed().await.unwrap();
    let customer = ctx.catalog.object("customer").unwrap();
    let column = &customer.field("note7").unwrap().column;
    let sql = format!(r#"SELECT count("{column}") FROM "tenant"."{}""#, customer.table);
    let row = ctx.db.query_one_raw(ctx.db.statement(sql, Vec::new())).await.unwrap().unwrap();
    assert_eq!((written, row.try_get_by_index::<i64>(0).unwrap()), (90, 90));
}
