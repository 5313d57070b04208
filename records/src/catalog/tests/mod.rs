//! The catalog on a real database: SQLite, or PostgreSQL where `TEST_DATABASE_URL` names one.

mod provisioning;

use super::{
    Choice, FieldKind, OnDestroy, RollupFunction,
    spec::{FieldSpec, ObjectSpec, RelationSpec, RollupSpec, labels},
};

/// Members, customers and their visits, as a module would declare them.
fn standard() -> Vec<ObjectSpec> {
    let email = FieldSpec::new("email", FieldKind::Email).column("email");
    let states = ["ACTIVE", "INACTIVE"];
    let states =
        states.iter().map(|value| Choice { value: (*value).into(), label: labels("", "", ""), retired: false });
    let customer = RelationSpec::to_one("customer").inverse("visits", labels("Visits", "Visites", "Visitas"));
    vec![
        ObjectSpec::new("member", "members").system_table("members").field(email),
        ObjectSpec::new("customer", "customers")
            .owned()
            .section("identity", labels("Identity", "Identité", "Identidad"))
            .field(FieldSpec::new("name", FieldKind::Text).section("identity").searchable())
            .field(FieldSpec::new("email", FieldKind::Email).section("identity").indexed())
            .field(FieldSpec::new("tags", FieldKind::Tags).indexed())
            .field(
                FieldSpec::new("status", FieldKind::Select { options: states.collect() }).required().default("ACTIVE"),
            )
            .field(FieldSpec::new(
                "organisation",
                RelationSpec::to_one("customer").inverse("people", labels("", "", "")),
            ))
            .field(FieldSpec::new("visitsCount", RollupSpec::over("visits", RollupFunction::Count)))
            .field(FieldSpec::new("lastVisitAt", RollupSpec::over("visits", RollupFunction::Max).of("at")).indexed()),
        ObjectSpec::new("visit", "visits")
            .field(FieldSpec::new("at", FieldKind::DateTime))
            .field(FieldSpec::new("customer", customer.on_destroy(OnDestroy::Cascade)).required()),
    ]
}
