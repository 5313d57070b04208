//! The standard objects in a real tenant space.

mod connections;
mod import;
mod rules;

use records::{Ctx, catalog};
use tenants::testing;

use crate::{objects, rules};

/// A context in a new tenant that has the standard objects.
pub(crate) async fn ctx() -> Ctx {
    let db = testing::space().await;
    catalog::provision(&db, &objects()).await.unwrap();
    let caller = testing::caller(&db);
    Ctx::open(caller, db, rules()).await.unwrap()
}

#[tokio::test]
async fn every_declared_field_is_usable() {
    let ctx = ctx().await;
    for spec in objects() {
        let object = ctx.catalog.object(&spec.name).unwrap();
        for field in &spec.fields {
            assert!(object.standard(&field.name).is_some_and(|field| field.usable()), "{}.{}", spec.name, field.name);
        }
    }
    let customer = ctx.catalog.object("customer").unwrap();
    for name in ["people", "contactPoints", "interactions", "owner", "organisation"] {
        assert!(customer.standard(name).is_some_and(|field| field.relation().is_some()), "{name}");
    }
    let again = catalog::provision(&ctx.db, &objects()).await;
    assert!(again.is_ok());
}
