//! Rollups that are created over existing rows, checked and repaired.

use serde_json::json;
use tenants::Code;

use super::*;
use crate::{
    catalog::{self, FieldPatch, FieldState, Progress, build_step, check_rollups},
    filter::{Filter, Period, Test},
};

#[tokio::test]
async fn totals_start_with_what_is_there() {
    let mut space = Space::new().await;
    let customer = space.create("customer", named("Amel")).await.unwrap();
    let other = space.create("customer", named("Brahim")).await.unwrap();
    for nights in [1, 2, 2] {
        let stay = json!({ "customer": customer.to_string(), "nights": nights, "at": "2026-01-01T00:00:00Z" });
        space.create("stay", stay).await.unwrap();
    }
    let nights = space.field("stay.nights").id;
    let long = Filter::Field { field: nights, test: Test::Gt(Value::Int(1)) };
    for (name, spec) in [
        ("nightsSum", RollupSpec::over("stays", RollupFunction::Sum).of("nights")),
        ("nightsMean", RollupSpec::over("stays", RollupFunction::Avg).of("nights")),
        ("longStays", RollupSpec::over("stays", RollupFunction::Count).filter(long)),
    ] {
        catalog::create_field(&space.ctx, "customer", FieldSpec::new(name, spec)).await.unwrap();
    }
    space.next().await;
    assert_eq!(space.read("customer.nightsSum", customer).await, Value::Int(5));
    assert_eq!(space.read("customer.nightsMean", customer).await, Value::Int(167));
    assert_eq!(space.read("customer.longStays", customer).await, Value::Int(2));
    assert_eq!(space.read("customer.nightsSum", other).await, Value::Int(0));
    assert_eq!(space.read("customer.nightsMean", other).await, Value::Null);
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);

    let (table, column) =
        (&space.ctx.catalog.object("customer").unwrap().table, &space.field("customer.nightsMean").column);
    let spoil = format!(r#"UPDATE "tenant"."{table}" SET "{column}" = 1, "{column}_s" = 9"#);
    space.ctx.db.execute_unprepared(&spoil).await.unwrap();
    let wrong = check_rollups(&space.ctx, true).await.unwrap();
    assert_eq!((wrong.len(), wrong[0].records, wrong[0].name.as_str()), (1, 2, "customer.nightsMean"));
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);
    assert_eq!(space.read("customer.nightsMean", customer).await, Value::Int(167));
}

#[tokio::test]
async fn a_total_is_defined_anew() {
    let mut space = Space::new().await;
    space.many(1_500).await;
    let amel = space.create("customer", named("Amel")).await.unwrap();
    for nights in [1, 2, 6] {
        space.create("stay", json!({ "customer": amel.to_string(), "nights": nights })).await.unwrap();
    }
    let spec = RollupSpec::over("stays", RollupFunction::Count);
    let total = catalog::create_field(&space.ctx, "customer", FieldSpec::new("total", spec)).await.unwrap();
    while build_step(&space.ctx, total.id).await.unwrap() == Progress::More {}
    space.next().await;
    assert_eq!(space.read("customer.total", amel).await, Value::Int(3));

    let nights = space.field("stay.nights").id;
    let long = Filter::Field { field: nights, test: Test::Gt(Value::Int(1)) };
    let spec = RollupSpec::over("stays", RollupFunction::Avg).of("nights").filter(long);
    let patch = FieldPatch { kind: Some(spec.into()), ..FieldPatch::default() };
    let changed = catalog::update_field(&space.ctx, total.id, patch).await.unwrap();
    assert_eq!((changed.state, changed.name.as_str()), (FieldState::Building, "total"));
    space.next().await;
    // written before the job has reached this customer
    space.create("stay", json!({ "customer": amel.to_string(), "nights": 10 })).await.unwrap();
    while build_step(&space.ctx, total.id).await.unwrap() == Progress::More {}
    space.next().await;
    assert_eq!(space.field("customer.total").state, FieldState::Active);
    assert_eq!(space.read("customer.total", amel).await, Value::Int(600), "the mean of 2, 6 and 10");
    space.create("stay", json!({ "customer": amel.to_string(), "nights": 2 })).await.unwrap();
    assert_eq!(space.read("customer.total", amel).await, Value::Int(500));
    assert_eq!(check_rollups(&space.ctx, false).await.unwrap(), []);

    let of = |path: &str, spec: RollupSpec| {
        let patch = FieldPatch { kind: Some(spec.into()), ..FieldPatch::default() };
        (space.field(path).id, patch)
    };
    let (id, patch) = of("customer.total", RollupSpec::over("stays", RollupFunction::Sum).of("name"));
    assert_eq!(complaint(&catalog::update_field(&space.ctx, id, patch).await.unwrap_err()).0, "rollup.field");
    let (id, patch) = of("customer.staysCount", RollupSpec::over("stays", RollupFunction::Sum).of("nights"));
    assert_eq!(code(catalog::update_field(&space.ctx, id, patch).await), Code::BadRequest);
    let (id, patch) = of("customer.name", RollupSpec::over("stays", RollupFunction::Count));
    assert_eq!(complaint(&catalog::update_field(&space.ctx, id, patch).await.unwrap_err()).0, "type");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let space = Space::new().await;
    let make = async |spec: RollupSpec| {
        let refused = catalog::create_field(&space.ctx, "customer", FieldSpec::new("total", spec)).await.unwrap_err();
        assert_eq!(refused.code(), Code::ValidationFailed);
        complaint(&refused).0
    };
    assert_eq!(make(RollupSpec::over("nothing", RollupFunction::Count)).await, "rollup.relation");
    assert_eq!(make(RollupSpec::over("organisation", RollupFunction::Count)).await, "rollup.relation");
    assert_eq!(make(RollupSpec::over("stays", RollupFunction::Sum)).await, "rollup.field");
    assert_eq!(make(RollupSpec::over("stays", RollupFunction::Sum).of("at")).await, "rollup.field");
    assert_eq!(make(RollupSpec::over("stays", RollupFunction::Max).of("name")).await, "rollup.field");
    let today = Filter::Field { field: space.field("stay.at").id, test: Test::Period(Period::Today) };
    assert_eq!(make(RollupSpec::over("stays", RollupFunction::Count).filter(today)).await, "rollup.filter");
}
