//! A small world for the tests of the engine: people, their vehicles and their addresses, in real tables.

use std::sync::Arc;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use tenants::{
    Dialect,
    error::{FieldIssue, Issue, Result},
    testing,
};

use crate::{
    Ctx,
    catalog::{Cardinality, Catalog, Field, FieldKind, Object, OnDestroy, Origin, Relation, Rollup, RollupFunction},
    columns::Stored,
    engine::{self, Change, Draft, Mutation, WriteKind, WriteOutcome, columns, decode},
    filter::{Filter, Test},
    rules::{FollowUp, Prepared, RuleSet, Rules, Written},
    sql::Sql,
    values::{self, Locale, Rate, Value},
};

/// The world and what asks in it.
pub(crate) struct World {
    pub ctx: Ctx,
}

impl World {
    /// A fresh one, on SQLite or on the PostgreSQL of `TEST_DATABASE_URL`.
    pub async fn new() -> Self {
        let db = testing::space().await;
        let catalog = catalog();
        for sql in tables(db.dialect(), &catalog) {
            db.execute_unprepared(&sql).await.unwrap();
        }
        db.execute_unprepared(r#"UPDATE "tenant"."clock" SET catalog_version = 1"#).await.unwrap();
        Self {
            ctx: Ctx {
                caller: testing::caller(&db),
                catalog: Arc::new(catalog),
                db,
                rules: Arc::new(RuleSet::default().with("person", Arc::new(People))),
            },
        }
    }

    pub fn object(&self, name: &str) -> &Object {
        self.ctx.catalog.object(name).unwrap()
    }

    pub fn id(&self, object: &str) -> ObjectId {
        self.object(object).id
    }

    pub fn field(&self, path: &str) -> FieldId {
        let (object, field) = path.split_once('.').unwrap();
        self.object(object).field(field).unwrap_or_else(|| panic!("no field {path}")).id
    }

    /// A draft of values as the API takes them.
    pub fn draft(&self, object: &str, values: Json) -> Draft {
        let rates = [(*b"EUR", "145.25".parse::<Rate>().unwrap())].into_iter().collect();
        let locale = Locale::of(self.ctx.db.settings(), rates);
        let object = self.object(object);
        let mut draft = Draft::default();
        for (name, value) in values.as_object().unwrap() {
            let field = object.field(name).unwrap_or_else(|| panic!("no field {name}"));
            draft.set(field.id, values::from_json(field, value, &locale).unwrap());
        }
        draft
    }

    pub async fn create(&self, object: &str, values: Json) -> Result<RecordId> {
        let written = engine::create(&self.ctx, self.id(object), vec![self.draft(object, values)], &[]).await?;
        Ok(written[0].id)
    }

    pub async fn update(&self, object: &str, id: RecordId, values: Json) -> Result<WriteOutcome> {
        engine::update(&self.ctx, self.id(object), id, self.draft(object, values), None).await
    }

    /// A stored value as the API shows it.
    pub async fn value(&self, path: &str, id: RecordId) -> Json {
        let field = self.ctx.catalog.field(self.field(path)).unwrap();
        let object = self.ctx.catalog.object_by_id(field.object).unwrap();
        let mut sql = Sql::new(self.ctx.db.dialect());
        sql.push(r#"SELECT "id""#);
        let cells = decode::select(&mut sql, std::iter::once(field)).unwrap();
        sql.push(" FROM ").table(&object.table).push(r#" AS t0 WHERE "id" = "#).bind(id.0);
        let row = self.ctx.db.query_one_raw(sql.statement(&self.ctx.db)).await.unwrap();
        let cell = row.and_then(|row| decode::cells(&row, 1, &cells, id).unwrap().0.pop());
        cell.map_or(Json::Null, |value| values::to_json(field, &value))
    }

    /// A number that a statement answers.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self.ctx.db.query_one_raw(self.ctx.db.statement(sql, Vec::new())).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }

    /// The rows that a statement answers.
    pub async fn lines(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        self.ctx.db.query_all_raw(self.ctx.db.statement(sql, Vec::new())).await.unwrap()
    }

    pub async fn seq(&self) -> i64 {
        self.number(r#"SELECT seq FROM "tenant"."clock""#).await
    }
}

/// Rules of the world: a person's name is made of two, and each has a point per email.
struct People;

#[async_trait::async_trait]
impl Rules for People {
    fn prepare(&self, _: &Ctx, object: &Object, drafts: &mut [Prepared<'_>]) {
        for Prepared { draft, issues } in drafts {
            self.name(object, draft, issues);
        }
    }

    fn required_fields(&self, object: &Object) -> Vec<FieldId> {
        ["firstName", "lastName"].iter().filter_map(|name| Some(object.field(name)?.id)).collect()
    }

    async fn after_write(&self, ctx: &Ctx, person: &Object, written: &[Written<'_>]) -> Result<Vec<FollowUp>> {
        let point = ctx.catalog.object("point").unwrap();
        let email = person.field("email").unwrap().id;
        let mut follow_ups = Vec::new();
        for one in written.iter().map(|one| one.outcome).filter(|one| one.kind == WriteKind::Created) {
            let Some((_, Value::Contact(contact))) = one.values.iter().find(|(id, _)| *id == email) else { continue };
            let mut draft = Draft::default();
            draft.set(point.field("name").unwrap().id, Value::Text(contact.typed.clone()));
            draft.set(point.field("person").unwrap().id, Value::Id(one.id.0));
            let mutation = Mutation { object: point.id, change: Change::Create { id: RecordId::new(), draft } };
            follow_ups.push(FollowUp { cause: one.id, mutation });
        }
        Ok(follow_ups)
    }
}

impl People {
    fn name(&self, object: &Object, draft: &mut Draft, issues: &mut Vec<FieldIssue>) {
        let (Some(first), Some(last), Some(name)) =
            (object.field("firstName"), object.field("lastName"), object.field("name"))
        else {
            return;
        };
        let text = |field: &Field| match draft.after(field.id) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        if text(first) == "Nobody" {
            issues.push(FieldIssue { field: "firstName".into(), issue: Issue::Rule("Somebody is wanted.".into()) });
        }
        let both = format!("{} {}", text(first), text(last));
        draft.set(name.id, Value::Text(both.trim().to_owned()));
    }
}

struct Maker {
    objects: Vec<(Object, Vec<Field>)>,
    column: u32,
}

impl Maker {
    fn object(&mut self, name: &str, plural: &str) -> ObjectId {
        let id = ObjectId::new();
        let object = Object::new(id, name, plural, &format!("o{}", self.objects.len()), Origin::Standard);
        let mut fields = Vec::new();
        for (name, column, kind, writable) in [
            ("id", "id", FieldKind::Id, false),
            ("version", "version", FieldKind::Integer, false),
            ("name", "name", FieldKind::Text, true),
            ("externalId", "external_id", FieldKind::Text, true),
            ("createdAt", "created_at", FieldKind::DateTime, false),
            ("createdBy", "created_by", FieldKind::Actor, false),
            ("updatedAt", "updated_at", FieldKind::DateTime, false),
            ("updatedBy", "updated_by", FieldKind::Actor, false),
            ("archivedAt", "archived_at", FieldKind::DateTime, false),
        ] {
            let mut field = Field::new(FieldId::new(), id, name, column, kind);
            field.origin = Origin::System;
            field.writable = writable;
            field.unique = name == "externalId";
            fields.push(field);
        }
        self.objects.push((object, fields));
        id
    }

    fn field(&mut self, object: ObjectId, name: &str, kind: FieldKind) -> &mut Field {
        self.column += 1;
        let column = if crate::columns::stored(&kind).is_some() { format!("f{}", self.column) } else { String::new() };
        let (_, fields) = self.objects.iter_mut().find(|(of, _)| of.id == object).unwrap();
        fields.push(Field::new(FieldId::new(), object, name, &column, kind));
        fields.last_mut().unwrap()
    }

    /// A to-one field and the field that shows it from the other side.
    fn link(&mut self, from: ObjectId, name: &str, to: ObjectId, inverse: &str, on_destroy: OnDestroy) -> FieldId {
        let side = |to, cardinality, inverse| {
            FieldKind::Relation(Relation {
                to,
                cardinality,
                inverse: Some(inverse),
                on_destroy,
                link_table: None,
                forward: true,
            })
        };
        let (one, many) = (FieldId::new(), FieldId::new());
        self.field(from, name, side(to, Cardinality::ManyToOne, many)).id = one;
        self.field(to, inverse, side(from, Cardinality::OneToMany, one)).id = many;
        many
    }

    fn total(&mut self, object: ObjectId, name: &str, rollup: Rollup) {
        self.field(object, name, FieldKind::Rollup(rollup)).writable = false;
    }
}

fn catalog() -> Catalog {
    let mut maker = Maker { objects: Vec::new(), column: 0 };
    let person = maker.object("person", "people");
    let vehicle = maker.object("vehicle", "vehicles");
    let point = maker.object("point", "points");
    maker.field(person, "firstName", FieldKind::Text);
    maker.field(person, "lastName", FieldKind::Text).required = true;
    maker.field(person, "email", FieldKind::Email);
    maker.field(person, "tags", FieldKind::Tags);
    maker.field(person, "born", FieldKind::Date);
    maker.field(person, "vip", FieldKind::Boolean).default = Some(json!(false));
    maker.field(vehicle, "number", FieldKind::AutoNumber { prefix: "V-".into(), width: 4 }).writable = false;
    maker.field(vehicle, "plate", FieldKind::Text).unique = true;
    maker.field(vehicle, "seats", FieldKind::Integer);
    maker.field(vehicle, "price", FieldKind::Money);
    let vehicles = maker.link(vehicle, "driver", person, "vehicles", OnDestroy::SetNull);
    maker.link(point, "person", person, "points", OnDestroy::Cascade);
    maker.link(vehicle, "lender", person, "lent", OnDestroy::Restrict);
    let users = Relation {
        to: person,
        cardinality: Cardinality::ManyToMany,
        inverse: None,
        on_destroy: OnDestroy::SetNull,
        link_table: Some("l1".into()),
        forward: true,
    };
    maker.field(vehicle, "users", FieldKind::Relation(users));
    maker.field(person, "mood", FieldKind::Text).audited = false;
    let (_, of_vehicle) = &maker.objects[1];
    let seats = of_vehicle.iter().find(|field| field.name == "seats").unwrap().id;
    let price = of_vehicle.iter().find(|field| field.name == "price").unwrap().id;
    let rollup = |function, field, filter, result| Rollup {
        relation: vehicles,
        function,
        field,
        filter,
        result: Box::new(result),
    };
    let big = Some(Filter::Field { field: seats, test: Test::Gte(Value::Int(5)) });
    maker.total(person, "count", rollup(RollupFunction::Count, None, None, FieldKind::Integer));
    maker.total(person, "big", rollup(RollupFunction::Count, None, big, FieldKind::Integer));
    maker.total(person, "most", rollup(RollupFunction::Max, Some(seats), None, FieldKind::Integer));
    maker.total(person, "mean", rollup(RollupFunction::Avg, Some(seats), None, FieldKind::Decimal { scale: 2 }));
    maker.total(person, "worth", rollup(RollupFunction::Sum, Some(price), None, FieldKind::Decimal { scale: 4 }));
    Catalog::new(1, maker.objects.into_iter().map(|(object, fields)| object.with_fields(fields)).collect())
}

fn tables(dialect: Dialect, catalog: &Catalog) -> Vec<String> {
    let sql = |kind: Stored| match (kind, dialect) {
        (Stored::Id, Dialect::Sqlite) => "blob",
        (Stored::Id, Dialect::Postgres) => "uuid",
        (Stored::Int | Stored::Money, _) => "bigint",
        (Stored::Text, Dialect::Postgres) => r#"text COLLATE "C""#,
        (Stored::List, Dialect::Postgres) => r#"text[] COLLATE "C""#,
        (Stored::Text | Stored::List, Dialect::Sqlite) => "text",
        (Stored::Bool, _) => "boolean",
    };
    let mut statements = Vec::new();
    for object in &catalog.objects {
        let mut columns = Vec::new();
        for field in &object.fields {
            if let FieldKind::Rollup(rollup) = &field.kind {
                let default = if rollup.function == RollupFunction::Max { "" } else { " DEFAULT 0" };
                for suffix in ["", "_s", "_n"] {
                    let default =
                        if rollup.function == RollupFunction::Avg && suffix.is_empty() { "" } else { default };
                    columns.push(format!(r#""{}{suffix}" bigint{default}"#, field.column));
                }
                continue;
            }
            columns.extend(columns::of(field).iter().map(|column| format!(r#""{}" {}"#, column.name, sql(column.sql))));
        }
        let table = &object.table;
        statements.push(format!(r#"CREATE TABLE "tenant"."{table}" ({}, PRIMARY KEY ("id"))"#, columns.join(", ")));
        for field in object.fields.iter().filter(|field| field.unique) {
            statements.push(format!(
                r#"CREATE UNIQUE INDEX "uq_{table}__{}" ON "tenant"."{table}" ("{}") WHERE "archived_at" IS NULL"#,
                field.column,
                columns::compared(field)
            ));
        }
    }
    let uuid = sql(Stored::Id);
    statements.push(format!(
        r#"CREATE TABLE "tenant"."l1" ("a" {uuid} NOT NULL, "b" {uuid} NOT NULL, PRIMARY KEY ("a", "b"))"#
    ));
    statements
}
