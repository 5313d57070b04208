//! The catalog on a real database: SQLite, or PostgreSQL where `TEST_DATABASE_URL` names one.

mod building;
mod constraints;
mod fields;
mod provisioning;
mod rates;
mod removing;
mod retyping;
mod rolling;
mod towers;

use std::sync::Arc;

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use tenants::{
    Code,
    error::{Error, Issue, Result},
    testing,
};

use super::{
    Choice, Field, FieldId, FieldKind, OnDestroy, RollupFunction,
    spec::{FieldSpec, ObjectSpec, RelationSpec, RollupSpec, labels},
};
use crate::{
    Ctx,
    engine::{self, Archived, Draft, WriteOutcome},
    values::{self, Locale, Value},
};

/// Members, customers and their stays, as a module would declare them.
fn standard() -> Vec<ObjectSpec> {
    let email = FieldSpec::new("email", FieldKind::Email).column("email");
    let customer = RelationSpec::to_one("customer").inverse("stays", labels("Stays", "Séjours", "Estancias"));
    let parent = RelationSpec::to_one("customer").inverse("people", labels("", "", ""));
    vec![
        ObjectSpec::new("member", "members").system_table("members").field(email),
        ObjectSpec::new("customer", "customers")
            .owned()
            .section("identity", labels("Identity", "Identité", "Identidad"))
            .field(FieldSpec::new("name", FieldKind::Text).section("identity").searchable())
            .field(FieldSpec::new("email", FieldKind::Email).section("identity").indexed())
            .field(FieldSpec::new("tags", FieldKind::Tags).indexed())
            .field(FieldSpec::new("status", select(&["active", "inactive"])).required().default("active"))
            .field(FieldSpec::new("organisation", parent))
            .field(FieldSpec::new("staysCount", RollupSpec::over("stays", RollupFunction::Count)))
            .field(FieldSpec::new("lastStayAt", RollupSpec::over("stays", RollupFunction::Max).of("at")).indexed()),
        ObjectSpec::new("stay", "stays")
            .field(FieldSpec::new("at", FieldKind::DateTime))
            .field(FieldSpec::new("nights", FieldKind::Integer))
            .field(FieldSpec::new("customer", customer.on_destroy(OnDestroy::Cascade)).required()),
    ]
}

fn select(values: &[&str]) -> FieldKind {
    let option = |value: &&str| Choice { value: (*value).to_owned(), label: labels("", "", ""), retired: false };
    FieldKind::Select { options: values.iter().map(option).collect() }
}

/// A tenant with the standard objects, and a caller who may do everything.
struct Space {
    ctx: Ctx,
}

impl Space {
    async fn new() -> Self {
        let db = testing::space().await;
        super::provision(&db, &standard()).await.unwrap();
        let ctx = Ctx::open(testing::caller(&db), db, Arc::default()).await.unwrap();
        Self { ctx }
    }

    /// The catalog as the next request sees it.
    async fn next(&mut self) -> &Ctx {
        self.ctx = self.ctx.refreshed().await.unwrap();
        &self.ctx
    }

    fn field(&self, path: &str) -> &Field {
        let (object, field) = path.split_once('.').unwrap();
        self.ctx.catalog.object(object).unwrap().field(field).unwrap_or_else(|| panic!("no field {path}"))
    }

    async fn create(&self, object: &str, values: Json) -> Result<RecordId> {
        let object = self.ctx.catalog.object(object).unwrap();
        let locale = Locale::of(self.ctx.db.settings(), Default::default());
        let mut draft = Draft::default();
        for (name, value) in values.as_object().unwrap() {
            let field = object.field(name).unwrap_or_else(|| panic!("no field {name}"));
            draft.set(field.id, values::from_json(field, value, &locale).unwrap());
        }
        Ok(engine::create(&self.ctx, object.id, vec![draft], &[]).await?[0].id)
    }

    async fn read(&self, path: &str, id: RecordId) -> Value {
        let field = self.field(path);
        let rows = engine::by_ids(&self.ctx, field.object, &[field.id], &[id], Archived::Include).await.unwrap();
        rows[&id].cells[0].clone()
    }

    /// Many customers at once, inserted without the engine.
    async fn many(&self, count: i64) {
        let table = &self.ctx.catalog.object("customer").unwrap().table;
        let status = &self.field("customer.status").column;
        let columns = format!("id, version, created_at, created_by, updated_at, updated_by, name, name_k, {status}");
        for first in (0..count).step_by(1000) {
            let rows: Vec<String> = (first..count.min(first + 1000))
                .map(|n| {
                    let id = RecordId::new().0.simple().to_string();
                    let id = match self.ctx.db.dialect() {
                        tenants::Dialect::Postgres => format!("'{id}'"),
                        tenants::Dialect::Sqlite => format!("x'{id}'"),
                    };
                    format!("({id}, 1, 0, 'SYSTEM', 0, 'SYSTEM', 'Customer {n}', 'customer {n}', 'ACTIVE')")
                })
                .collect();
            let sql = format!(r#"INSERT INTO "tenant"."{table}" ({columns}) VALUES {}"#, rows.join(", "));
            self.ctx.db.execute_unprepared(&sql).await.unwrap();
        }
    }
}

/// How long deleted columns and tables are kept, microseconds.
const MONTH: i64 = 30 * 86_400_000_000;

fn code<T>(result: Result<T>) -> Code {
    result.err().expect("refused").code()
}

/// The errors by part of the declaration.
fn complaint(error: &Error) -> (String, String) {
    let issue = &error.fields()[0];
    let message = match &issue.issue {
        Issue::Rule(message) => message.clone(),
        other => other.code().to_owned(),
    };
    (issue.field.clone(), message)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// A customer with nothing but a name.
fn named(name: &str) -> Json {
    json!({ "name": name })
}
