//! Fields whose type changes: what happens to their values, to history, and to concurrent writes.

use serde_json::json;
use tenants::Code;

use super::*;
use crate::catalog::{self, FieldPatch, FieldState, Progress, build_step};

fn into(kind: FieldKind) -> FieldPatch {
    FieldPatch { kind: Some(kind.into()), ..FieldPatch::default() }
}

async fn made(space: &mut Space, name: &str, kind: FieldKind) -> FieldId {
    let field = catalog::create_field(&space.ctx, "customer", FieldSpec::new(name, kind)).await.unwrap();
    while build_step(&space.ctx, field.id).await.unwrap() == Progress::More {}
    space.next().await;
    field.id
}

async fn built(space: &mut Space, field: FieldId) {
    while build_step(&space.ctx, field).await.unwrap() == Progress::More {}
    space.next().await;
}

impl Space {
    async fn set(&self, id: RecordId, values: Json) -> Result<WriteOutcome> {
        let object = self.ctx.catalog.object("customer").unwrap();
        let locale = Locale::of(self.ctx.db.settings(), Default::default());
        let mut draft = Draft::default();
        for (name, value) in values.as_object().unwrap() {
            let field = object.field(name).unwrap_or_else(|| panic!("no field {name}"));
            draft.set(field.id, values::from_json(field, value, &locale).unwrap());
        }
        engine::update(&self.ctx, object.id, id, draft, None).await
    }

    /// The history of a record's first changed field, newest change first.
    async fn reported(&self, id: RecordId) -> Vec<(Json, Json)> {
        let customer = self.ctx.catalog.object("customer").unwrap().id;
        let mut pages = engine::history(&self.ctx, customer, &[id], 20, None).await.unwrap();
        let changes =
            pages.remove(&id).unwrap().entries.into_iter().filter_map(|entry| entry.changes.into_iter().next());
        changes.map(|change| (change.from, change.to)).collect()
    }
}

#[tokio::test]
async fn values_come_along_and_history_stays_readable() {
    let mut space = Space::new().await;
    let id = made(&mut space, "weight", FieldKind::Decimal { scale: 2 }).await;
    let amel = space.create("customer", json!({ "name": "Amel", "weight": "12.50" })).await.unwrap();
    space.set(amel, json!({ "weight": "13.25" })).await.unwrap();
    let changed = catalog::update_field(&space.ctx, id, into(FieldKind::Decimal { scale: 4 })).await.unwrap();
    assert_eq!((changed.state, changed.id), (FieldState::Active, id));
    space.next().await;
    assert_eq!(space.read("customer.weight", amel).await, Value::Int(132_500));
    space.set(amel, json!({ "weight": "14.0001" })).await.unwrap();
    catalog::update_field(&space.ctx, id, into(FieldKind::Text)).await.unwrap();
    space.next().await;
    assert_eq!(space.read("customer.weight", amel).await, text("14.0001"));
    let reported = space.reported(amel).await;
    assert_eq!(reported, [(json!("13.2500"), json!("14.0001")), (json!("12.50"), json!("13.25"))]);
    let index = format!(
        "ix_{}__{}",
        space.ctx.catalog.object("customer").unwrap().table,
        space.field("customer.weight").column
    );
    assert_eq!(space.ctx.db.index_is_valid(&index).await.unwrap(), Some(true));
    // maintenance drops the unused column
    assert_eq!(catalog::drop_retired(&space.ctx.db, tenants::testing::NOW + MONTH).await.unwrap(), 2);
}

#[tokio::test]
async fn values_that_do_not_convert_go_only_where_they_may() {
    let mut space = Space::new().await;
    let id = made(&mut space, "size", FieldKind::Text).await;
    let good = space.create("customer", json!({ "size": "42" })).await.unwrap();
    let bad = space.create("customer", json!({ "size": "large" })).await.unwrap();
    let refused = catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap_err();
    assert_eq!((refused.code(), &refused.details()["records"]), (Code::WouldLoseValues, &json!(1)));
    assert_eq!(refused.details()["examples"], json!([bad.to_string()]));
    assert_eq!(space.next().await.catalog.field(id).unwrap().kind, FieldKind::Text);
    let may = FieldPatch { drop_unconvertible: true, ..into(FieldKind::Integer) };
    catalog::update_field(&space.ctx, id, may).await.unwrap();
    space.next().await;
    assert_eq!(space.read("customer.size", good).await, Value::Int(42));
    assert_eq!(space.read("customer.size", bad).await, Value::Null);
}

#[tokio::test]
async fn rules_change_with_the_type() {
    let mut space = Space::new().await;
    let id = made(&mut space, "badge", FieldKind::Text).await;
    for badge in ["7", "007"] {
        space.create("customer", json!({ "badge": badge })).await.unwrap();
    }
    let nameless = space.create("customer", named("Amel")).await.unwrap();
    let unique = FieldPatch { unique: Some(true), ..into(FieldKind::Integer) };
    let refused = catalog::update_field(&space.ctx, id, unique.clone()).await.unwrap_err();
    assert_eq!(complaint(&refused).0, "unique", "7 and 007 are one number");
    let required = FieldPatch { required: Some(true), ..into(FieldKind::Integer) };
    let refused = catalog::update_field(&space.ctx, id, required.clone()).await.unwrap_err();
    assert_eq!(complaint(&refused).0, "required");
    let with_default = FieldPatch { default: Some(Some(json!(1))), ..required };
    catalog::update_field(&space.ctx, id, with_default).await.unwrap();
    space.next().await;
    assert_eq!(space.read("customer.badge", nameless).await, Value::Int(1));
    assert_eq!(code(space.set(nameless, json!({ "badge": null })).await), Code::ValidationFailed);
    let wrong = FieldPatch { default: Some(None), required: Some(false), ..into(FieldKind::Decimal { scale: 10 }) };
    assert_eq!(code(catalog::update_field(&space.ctx, id, wrong).await), Code::ValidationFailed);
}

#[tokio::test]
async fn what_cannot_become_another_type_says_why() {
    let space = Space::new().await;
    let retype =
        async |path: &str, kind| catalog::update_field(&space.ctx, space.field(path).id, into(kind)).await.unwrap_err();
    assert_eq!(retype("customer.email", FieldKind::Text).await.code(), Code::BadRequest);
    let guest = FieldSpec::new("guide", RelationSpec::to_one("customer"));
    let link = catalog::create_field(&space.ctx, "stay", guest).await.unwrap();
    let refused = catalog::update_field(&space.ctx, link.id, into(FieldKind::Text)).await.unwrap_err();
    assert!(complaint(&refused).1.contains("links"), "{refused:?}");
    let price = catalog::create_field(&space.ctx, "stay", FieldSpec::new("price", FieldKind::Integer)).await.unwrap();
    let total = RollupSpec::over("stays", RollupFunction::Sum).of("price");
    catalog::create_field(&space.ctx, "customer", FieldSpec::new("spent", total)).await.unwrap();
    let refused = catalog::update_field(&space.ctx, price.id, into(FieldKind::Text)).await.unwrap_err();
    assert_eq!((refused.code(), &refused.details()["fields"]), (Code::Conflict, &json!(["customer.spent"])));
}

#[tokio::test]
async fn many_rows_change_while_they_are_written() {
    let mut space = Space::new().await;
    space.many(25_000).await;
    let id = made(&mut space, "code", FieldKind::Text).await;
    let column = space.field("customer.code").column.clone();
    let table = space.ctx.catalog.object("customer").unwrap().table.clone();
    let number = match space.ctx.db.dialect() {
        tenants::Dialect::Postgres => "row_number() OVER (ORDER BY id)",
        tenants::Dialect::Sqlite => "rowid",
    };
    let fill = format!(
        r#"UPDATE "tenant"."{table}" AS c SET "{column}" = d.n, "{column}_k" = d.n
           FROM (SELECT id, CAST({number} AS text) AS n FROM "tenant"."{table}") AS d WHERE d.id = c.id"#
    );
    space.ctx.db.execute_unprepared(&fill).await.unwrap();
    let early = space.create("customer", json!({ "code": "900001" })).await.unwrap();
    let swapped = space.create("customer", json!({ "code": "900002" })).await.unwrap();
    let unique = FieldPatch { unique: Some(true), ..into(FieldKind::Integer) };
    let begun = catalog::update_field(&space.ctx, id, unique).await.unwrap();
    assert_eq!((begun.state, &begun.kind, begun.changing.is_some()), (FieldState::Building, &FieldKind::Text, true));
    space.next().await;
    assert_eq!(build_step(&space.ctx, id).await.unwrap(), Progress::More);
    // written while the job runs, in the type that everybody still sees
    let late = space.create("customer", json!({ "code": "900003" })).await.unwrap();
    space.set(early, json!({ "code": "900002x" })).await.unwrap();
    space.set(swapped, json!({ "code": "900001" })).await.unwrap();
    space.set(early, json!({ "code": "900002" })).await.unwrap();
    built(&mut space, id).await;
    let field = space.field("customer.code").clone();
    assert_eq!((field.state, &field.kind, field.unique), (FieldState::Active, &FieldKind::Integer, true), "{field:?}");
    for (record, number) in [(early, 900_002), (swapped, 900_001), (late, 900_003)] {
        assert_eq!(space.read("customer.code", record).await, Value::Int(number));
    }
    let sql = format!(r#"SELECT count(DISTINCT "{}") FROM "tenant"."{table}""#, field.column);
    let row = space.ctx.db.query_one_raw(space.ctx.db.statement(sql, Vec::new())).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 25_003);
    assert_eq!(code(space.create("customer", json!({ "code": 900_003 })).await), Code::ValidationFailed);
}

#[tokio::test]
async fn a_change_that_turns_out_impossible_leaves_the_field_as_it_was() {
    let mut space = Space::new().await;
    space.many(1_500).await;
    let id = made(&mut space, "code", FieldKind::Text).await;
    let odd = space.create("customer", json!({ "code": "none" })).await.unwrap();
    let refused = catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap_err();
    assert_eq!((refused.code(), &refused.details()["records"]), (Code::WouldLoseValues, &json!(1)));
    space.set(odd, json!({ "code": "5" })).await.unwrap();
    catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap();
    space.next().await;
    space.set(odd, json!({ "code": "nothing" })).await.unwrap();
    built(&mut space, id).await;
    let failed = space.field("customer.code");
    assert_eq!((failed.state, &failed.kind), (FieldState::Failed, &FieldKind::Text));
    assert!(failed.failure.as_ref().unwrap().contains("1 records"), "{failed:?}");
    assert_eq!(space.read("customer.code", odd).await, text("nothing"));
    let may = FieldPatch { drop_unconvertible: true, ..into(FieldKind::Integer) };
    catalog::update_field(&space.ctx, id, may).await.unwrap();
    built(&mut space, id).await;
    assert_eq!(space.read("customer.code", odd).await, Value::Null);
    assert_eq!(space.field("customer.code").state, FieldState::Active);
}

#[tokio::test]
async fn a_change_under_way_can_be_changed_and_given_up() {
    let mut space = Space::new().await;
    space.many(1_500).await;
    let id = made(&mut space, "code", FieldKind::Text).await;
    let one = space.create("customer", json!({ "code": "5" })).await.unwrap();
    catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap();
    let unique = FieldPatch { unique: Some(true), name: Some("codeNumber".to_owned()), ..FieldPatch::default() };
    let field = catalog::update_field(&space.ctx, id, unique).await.unwrap();
    assert_eq!((field.name.as_str(), field.unique, field.changing.is_some()), ("codeNumber", false, true));
    built(&mut space, id).await;
    let field = space.field("customer.codeNumber");
    assert_eq!((&field.kind, field.unique, field.state), (&FieldKind::Integer, true, FieldState::Active), "{field:?}");
    assert_eq!(space.read("customer.codeNumber", one).await, Value::Int(5));
    catalog::update_field(&space.ctx, id, into(FieldKind::Text)).await.unwrap();
    let back = catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap();
    assert_eq!((back.state, back.changing.is_none(), back.unique), (FieldState::Active, true, true));
    catalog::update_field(&space.ctx, id, into(FieldKind::Text)).await.unwrap();
    catalog::delete_field(&space.ctx, id, false).await.unwrap();
    assert_eq!(build_step(&space.ctx, id).await.unwrap(), Progress::Done);
}

#[tokio::test]
async fn a_run_is_undone_across_a_change_of_type() {
    let mut space = Space::new().await;
    let id = made(&mut space, "code", FieldKind::Text).await;
    let one = space.create("customer", json!({ "code": "5" })).await.unwrap();
    let two = space.create("customer", json!({ "code": "six" })).await.unwrap();
    let object = space.ctx.catalog.object("customer").unwrap().id;
    let mut draft = Draft::default();
    draft.set(id, text("7"));
    let all = crate::filter::Filter::And(Vec::new());
    let run = engine::update_where(&space.ctx, object, all, draft, true).await.unwrap().run.unwrap();
    catalog::update_field(&space.ctx, id, into(FieldKind::Integer)).await.unwrap();
    space.next().await;
    let report = engine::undo(&space.ctx, run).await.unwrap();
    assert_eq!((report.undone, report.skipped, report.records[0].reason.as_str()), (1, 1, "TYPE_CHANGED"));
    assert_eq!(space.read("customer.code", one).await, Value::Int(5));
    assert_eq!(space.read("customer.code", two).await, Value::Int(7));
}
