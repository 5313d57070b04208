//! Fields that are unique together, from their declaration to their end.

use serde_json::json;
use tenants::Code;

use super::*;
use crate::catalog::{
    self, Constraint, FieldPatch, FieldState, Origin, Progress, build_constraint_step, spec::KindSpec,
};

const FIELDS: [&str; 2] = ["club", "year"];

/// Customers are members of a club in a year.
async fn clubs(rows: i64) -> Space {
    let mut space = Space::new().await;
    space.many(rows).await;
    for (name, kind) in [("club", FieldKind::Text), ("year", FieldKind::Integer)] {
        let field = catalog::create_field(&space.ctx, "customer", FieldSpec::new(name, kind)).await.unwrap();
        catalog::build_step(&space.ctx, field.id).await.unwrap();
    }
    space.next().await;
    space
}

async fn constrain(space: &mut Space) -> Constraint {
    let made = catalog::create_constraint(&space.ctx, "customer", &FIELDS.map(str::to_owned)).await.unwrap();
    space.next().await;
    made
}

async fn member(space: &Space, club: &str, year: i64) -> Result<RecordId> {
    space.create("customer", json!({ "club": club, "year": year })).await
}

fn known(space: &Space) -> &Constraint {
    &space.ctx.catalog.object("customer").unwrap().constraints[0]
}

#[tokio::test]
async fn over_many_rows_it_is_built_by_a_job() {
    let mut space = clubs(1_500).await;
    member(&space, "Chess", 2026).await.unwrap();
    let made = constrain(&mut space).await;
    assert_eq!(made.state, FieldState::Building);
    for _ in 0..2 {
        let step = build_constraint_step(&space.ctx, made.id, &made.index).await.unwrap();
        assert_eq!(step, Progress::Done, "it can be repeated");
    }
    space.next().await;
    assert_eq!(known(&space).state, FieldState::Active);
    assert_eq!(space.ctx.db.index_is_valid(&made.index).await.unwrap(), Some(true));
    let error = member(&space, "chess", 2026).await.unwrap_err();
    let told: Vec<_> = error.fields().iter().map(|issue| (issue.field.as_str(), issue.issue.code())).collect();
    assert_eq!(told, [("club", "TAKEN"), ("year", "TAKEN")]);
    member(&space, "chess", 2027).await.unwrap();
}

#[tokio::test]
async fn doubles_fail_the_job_and_a_gone_constraint_leaves_no_index() {
    let mut space = clubs(1_500).await;
    member(&space, "Chess", 2026).await.unwrap();
    member(&space, "CHESS", 2026).await.unwrap();
    let made = constrain(&mut space).await;
    build_constraint_step(&space.ctx, made.id, &made.index).await.unwrap();
    space.next().await;
    let failure = known(&space).failure.clone().unwrap();
    assert!(known(&space).state == FieldState::Failed && failure.contains("2026"), "{failure}");
    assert_eq!(space.ctx.db.index_is_valid(&made.index).await.unwrap(), None);

    catalog::delete_constraint(&space.ctx, made.id).await.unwrap();
    let step = build_constraint_step(&space.ctx, made.id, &made.index).await.unwrap();
    assert_eq!(step, Progress::Done);
    assert!(space.next().await.catalog.object("customer").unwrap().constraints.is_empty());
    member(&space, "Chess", 2026).await.unwrap();
}

#[tokio::test]
async fn it_ends_with_its_fields_and_keeps_their_types() {
    let mut space = clubs(1).await;
    constrain(&mut space).await;
    assert_eq!(known(&space).state, FieldState::Active);
    let twice = catalog::create_constraint(&space.ctx, "customer", &["year", "club"].map(str::to_owned)).await;
    assert_eq!(complaint(&twice.unwrap_err()).0, "fields");
    let year = space.field("customer.year").id;
    let retype = FieldPatch { kind: Some(KindSpec::Value(FieldKind::Text)), ..FieldPatch::default() };
    assert_eq!(code(catalog::update_field(&space.ctx, year, retype).await), Code::Conflict);

    let preview = catalog::delete_field(&space.ctx, year, true).await.unwrap();
    assert_eq!(preview.constraints, ["customer(club, year)"]);
    member(&space, "Chess", 2026).await.unwrap();
    assert_eq!(catalog::delete_field(&space.ctx, year, false).await.unwrap().constraints, preview.constraints);
    space.next().await;
    assert!(space.ctx.catalog.object("customer").unwrap().constraints.is_empty());
    space.create("customer", json!({ "club": "Chess" })).await.unwrap();
}

#[tokio::test]
async fn code_declares_them_once() {
    let mut space = Space::new().await;
    let mut specs = standard();
    let stays = specs.iter_mut().find(|spec| spec.name == "stay").unwrap();
    *stays = stays.clone().unique(&["customer", "at"]);
    for _ in 0..2 {
        catalog::provision(&space.ctx.db, &specs).await.unwrap();
        let stay = space.next().await.catalog.object("stay").unwrap();
        assert_eq!(stay.constraints.len(), 1);
        assert_eq!((stay.constraints[0].origin, stay.constraints[0].state), (Origin::Standard, FieldState::Active));
    }
    let id = space.ctx.catalog.object("stay").unwrap().constraints[0].id;
    assert_eq!(code(catalog::delete_constraint(&space.ctx, id).await), Code::BadRequest);
    let guest = space.create("customer", named("Amel")).await.unwrap().to_string();
    let stay = json!({ "customer": guest, "at": "2026-03-01T10:00:00Z" });
    space.create("stay", stay.clone()).await.unwrap();
    assert_eq!(code(space.create("stay", stay).await), Code::ValidationFailed);
}
