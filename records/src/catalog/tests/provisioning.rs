//! Standard objects are created once, and updated without touching what exists.

use tenants::testing;

use super::standard;
use crate::catalog::{self, Cardinality, FieldKind, FieldState, Origin, spec::FieldSpec};

#[tokio::test]
async fn standard_objects_come_once() {
    let db = testing::space().await;
    catalog::provision(&db, &standard()).await.unwrap();
    let first = catalog::current(&db).await.unwrap();
    assert_eq!(first.version, 1);
    let customer = first.object("customer").unwrap();
    assert_eq!(customer.fields[0].name, "id");
    assert!(customer.field("owner").unwrap().relation().unwrap().to == first.object("member").unwrap().id);
    let stays = customer.field("stays").unwrap().relation().unwrap();
    assert_eq!(stays.cardinality, Cardinality::OneToMany);
    let link = first.field(stays.inverse.unwrap()).unwrap();
    assert_eq!((link.name.as_str(), link.required), ("customer", true));
    assert!(first.object("member").unwrap().field("externalId").is_none());
    assert!(customer.fields.iter().all(|field| field.state == FieldState::Active));
    let kept: Vec<&str> = first.rollups_over(link.id).map(|(_, field, _)| field.name.as_str()).collect();
    assert_eq!(kept, ["staysCount", "lastStayAt"]);

    catalog::provision(&db, &standard()).await.unwrap();
    assert_eq!(catalog::reload(&db).await.unwrap().version, 1);
    catalog::forget(db.tenant());
    let again = catalog::current(&db).await.unwrap();
    for (object, before) in again.objects.iter().zip(&first.objects) {
        assert!(format!("{:?}", object.fields) == format!("{:?}", before.fields), "{}", object.name);
    }
}

#[tokio::test]
async fn a_release_brings_fields_and_options() {
    let db = testing::space().await;
    let mut specs = standard();
    catalog::provision(&db, &specs).await.unwrap();
    let customers = specs.iter_mut().find(|spec| spec.name == "customer").unwrap();
    customers.fields.push(FieldSpec::new("jobTitle", FieldKind::Text));
    catalog::provision(&db, &specs).await.unwrap();
    let catalog = catalog::current(&db).await.unwrap();
    assert_eq!(catalog.version, 2);
    let title = catalog.object("customer").unwrap().standard("jobTitle").unwrap();
    assert_eq!(title.origin, Origin::Standard);
}
