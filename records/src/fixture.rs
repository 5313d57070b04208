//! A small catalog with every type of field, and its tables, for the tests of reads.

use std::sync::Arc;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{Dialect, testing};
use uuid::Uuid;

use crate::{
    Ctx,
    catalog::{Cardinality, Catalog, Choice, Field, FieldKind, Object, OnDestroy, Origin, Relation, ddl},
    columns,
    sql::{List, Sql},
    values::{self, Value},
};

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

pub fn field_id(number: u128) -> FieldId {
    FieldId(Uuid::from_u128(number))
}

pub fn object_id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(0xf000 + number))
}

/// Customers with vehicles (one to many) and groups (many to many).
pub fn catalog() -> Catalog {
    let options = |keys: &[&str]| {
        keys.iter().map(|key| Choice { value: (*key).to_owned(), label: Default::default(), retired: false }).collect()
    };
    let link = |to, cardinality, inverse, forward| {
        let link_table = (cardinality == Cardinality::ManyToMany).then(|| "l1".to_owned());
        let inverse = Some(field_id(inverse));
        let to = object_id(to);
        FieldKind::Relation(Relation { to, cardinality, inverse, on_destroy: OnDestroy::SetNull, link_table, forward })
    };
    let customer = vec![
        ("city", FieldKind::Text),
        ("score", FieldKind::Integer),
        ("spent", FieldKind::Money),
        ("vip", FieldKind::Boolean),
        ("tier", FieldKind::Select { options: options(&["gold", "silver", "bronze"]) }),
        ("tags", FieldKind::Tags),
        ("phone", FieldKind::Phone),
        ("email", FieldKind::Email),
        ("birth", FieldKind::Date),
        ("seen", FieldKind::DateTime),
        ("notes", FieldKind::LongText),
        ("ratio", FieldKind::Decimal { scale: 2 }),
        ("extra", FieldKind::Json),
        ("vehicles", link(2, Cardinality::OneToMany, 202, false)),
        ("groups", link(3, Cardinality::ManyToMany, 301, true)),
    ];
    let vehicle = vec![("plate", FieldKind::Text), ("customer", link(1, Cardinality::ManyToOne, 114, false))];
    let group = vec![("customers", link(1, Cardinality::ManyToMany, 115, false))];
    let objects = [("customer", customer), ("vehicle", vehicle), ("group", group)];
    let objects = (1..).zip(objects).map(|(n, (name, fields))| object(n, name, fields)).collect();
    Catalog::new(0, objects)
}

fn object(number: u128, name: &str, fields: Vec<(&str, FieldKind)>) -> Object {
    let id = object_id(number);
    let system = [
        ("id", "id", FieldKind::Id),
        ("version", "version", FieldKind::Integer),
        ("name", "name", FieldKind::Text),
        ("createdAt", "created_at", FieldKind::DateTime),
        ("archivedAt", "archived_at", FieldKind::DateTime),
        ("createdBy", "created_by", FieldKind::Actor),
    ];
    let system = (50..).zip(system).map(|(n, (name, column, kind))| Field {
        origin: Origin::System,
        ..Field::new(field_id(number * 100 + n), id, name, column, kind)
    });
    let custom = (1..).zip(fields).map(|(n, (name, kind))| {
        let column = if columns::stored(&kind).is_some() { format!("f{number}{n:02}") } else { String::new() };
        Field::new(field_id(number * 100 + n), id, name, &column, kind)
    });
    Object::new(id, name, &format!("{name}s"), &format!("o{number}"), Origin::Custom)
        .with_fields(system.chain(custom).collect())
}

/// The catalog's tables, empty, in a new space.
pub async fn ctx() -> Ctx {
    ctx_in("Africa/Algiers").await
}

/// The same for an organisation in another time zone.
pub async fn ctx_in(time_zone: &str) -> Ctx {
    let db = testing::space_in(time_zone).await;
    let catalog = catalog();
    let tx = db.begin_write().await.unwrap();
    for statement in tables(db.dialect(), &catalog) {
        tx.execute_unprepared(&statement).await.unwrap();
    }
    let row = tx.query_one_raw(db.statement(r#"SELECT catalog_version FROM "tenant"."clock""#, vec![])).await.unwrap();
    let version: i64 = row.unwrap().try_get_by_index(0).unwrap();
    sea_orm::TransactionSession::commit(tx).await.unwrap();
    let catalog = Arc::new(Catalog { version, ..catalog });
    Ctx { caller: testing::caller(&db), catalog, db, rules: Arc::default() }
}

fn tables(dialect: Dialect, catalog: &Catalog) -> Vec<String> {
    let mut statements = ddl::create_link_table(dialect, "l1");
    for object in &catalog.objects {
        statements.push(ddl::create_table(dialect, &object.table, false));
        statements.extend(ddl::system_indexes(dialect, &object.table, false, true).iter().map(ddl::Index::create));
        for field in object.fields.iter().filter(|field| field.origin == Origin::Custom) {
            statements.extend(ddl::add_columns(dialect, &object.table, field));
            statements.extend(ddl::field_index(dialect, &object.table, field).iter().map(ddl::Index::create));
        }
    }
    statements
}

/// Inserts records into an object's table; missing values are null.
pub async fn insert(ctx: &Ctx, object: &str, records: &[Vec<(&str, Value)>]) -> Vec<RecordId> {
    let object = ctx.catalog.object(object).unwrap();
    let tx = ctx.db.begin_write().await.unwrap();
    let mut ids = Vec::new();
    for (i, record) in (0_i64..).zip(records) {
        let id = RecordId::new();
        ids.push(id);
        let mut record = record.clone();
        let born = [
            ("id", Value::Id(id.0)),
            ("version", Value::Int(1)),
            ("createdAt", Value::Int(i)),
            ("createdBy", text("SYSTEM")),
        ];
        for (name, value) in born {
            if record.iter().all(|(given, _)| *given != name) {
                record.push((name, value));
            }
        }
        let mut names = Vec::new();
        let mut sql = Sql::new(ctx.db.dialect());
        for (name, value) in record.iter().filter(|(_, value)| *value != Value::Null) {
            let field = object.field(name).unwrap_or_else(|| panic!("no field {name}"));
            bind(&mut sql, field, value, &mut names);
        }
        names.extend(["updated_at", "updated_by"].map(str::to_owned));
        sql.push(", 0, 'SYSTEM'");
        let text = format!(r#"INSERT INTO "tenant"."{}" ({}) VALUES ("#, object.table, names.join(", "));
        let (placeholders, values) = sql.into_parts();
        tx.execute_raw(ctx.db.statement(text + &placeholders + ")", values)).await.unwrap();
    }
    sea_orm::TransactionSession::commit(tx).await.unwrap();
    ids
}

fn bind(sql: &mut Sql, field: &Field, value: &Value, names: &mut Vec<String>) {
    let mut put = |suffix: &str, value: sea_orm::Value| {
        sql.push(if names.is_empty() { "" } else { ", " }).bind(value);
        names.push(format!("\"{}{suffix}\"", field.column));
    };
    match value {
        Value::Bool(value) => put("", (*value).into()),
        Value::Int(value) => put("", (*value).into()),
        Value::Text(text) => put("", text.clone().into()),
        Value::Id(id) => put("", (*id).into()),
        Value::Money(money) => {
            put("", money.amount.into());
            put("_c", String::from_utf8(money.currency.to_vec()).unwrap().into());
            put("_b", money.base.into());
        }
        Value::List(words) => {
            sql.push(if names.is_empty() { "" } else { ", " }).bind_list(List::Texts(words.clone()));
            names.push(format!("\"{}\"", field.column));
        }
        other => panic!("no column holds {other:?}"),
    }
    if let Some(key) = values::key(field, value) {
        sql.push(", ").bind(key);
        names.push(format!("\"{}_k\"", field.column));
    }
}

/// Links customers to groups.
pub async fn link(ctx: &Ctx, pairs: &[(RecordId, RecordId)]) {
    for (a, b) in pairs {
        let statement =
            ctx.db.statement(r#"INSERT INTO "tenant"."l1" (a, b) VALUES ($1, $2)"#, vec![a.0.into(), b.0.into()]);
        ctx.db.execute_raw(statement).await.unwrap();
    }
}

/// A text value.
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Chance that is the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides` (xorshift).
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }
}
