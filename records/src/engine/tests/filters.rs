//! What each operator finds, on both databases.

use std::{borrow::Cow, collections::HashMap};

use entities::ids::{FieldId, RecordId};
use serde_json::json;

use super::{field, firsts, query};
use crate::{
    Ctx, calendar,
    catalog::{Field, FieldKind},
    engine::list,
    filter::{self, CountTest, Filter, Operator, Period, Quantifier, Scope, Test},
    fixture::{self, DAY, Dice, insert, link, text},
    fold::fold_v1,
    values::{self, Locale, Money, Rates, Value},
};

/// A record with its vehicles, as the contract of filters sees it.
struct Seen {
    values: HashMap<FieldId, Value>,
    vehicles: Vec<HashMap<FieldId, Value>>,
}

/// What the filter language promises, without a database.
fn holds(ctx: &Ctx, filter: &Filter, record: &Seen) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(ctx, part, record)),
        Filter::Or(parts) => parts.iter().any(|part| holds(ctx, part, record)),
        Filter::Not(inner) => !holds(ctx, inner, record),
        Filter::Field { field, test } => {
            let held = |id| record.values.get(&id).map_or(Cow::Owned(Value::Null), Cow::Borrowed);
            let matches = compares(ctx, ctx.catalog.field(*field).unwrap(), test, &held(*field));
            // evaluating in memory gives the same result as the query
            assert_eq!(filter::holds(Scope::of(ctx), filter, &held), matches, "{filter:?} {:?}", held(*field));
            matches
        }
        Filter::Related { quantifier, filter, .. } => {
            let mut matches = record
                .vehicles
                .iter()
                .map(|vehicle| holds(ctx, filter, &Seen { values: vehicle.clone(), vehicles: Vec::new() }));
            match quantifier {
                Quantifier::Every => matches.all(|yes| yes),
                Quantifier::None => !matches.any(|yes| yes),
                _ => matches.any(|yes| yes),
            }
        }
        Filter::Counted { count, filter, .. } => {
            let related = record.vehicles.iter().map(|vehicle| Seen { values: vehicle.clone(), vehicles: Vec::new() });
            let matching = related.filter(|vehicle| holds(ctx, filter, vehicle)).count() as u32;
            count.iter().all(|test| match *test {
                CountTest::Eq(number) => matching == number,
                CountTest::Ne(number) => matching != number,
                CountTest::Lt(number) => matching < number,
                CountTest::Lte(number) => matching <= number,
                CountTest::Gt(number) => matching > number,
                CountTest::Gte(number) => matching >= number,
            })
        }
    }
}

fn compares(ctx: &Ctx, field: &Field, test: &Test, value: &Value) -> bool {
    let key = |value: &Value| match value {
        Value::Money(money) => Value::Int(money.base),
        value => values::key(field, value).map_or(value.clone(), Value::Text),
    };
    let number = |value: &Value| match key(value) {
        Value::Int(number) => (number, String::new()),
        Value::Text(text) => (0, text),
        _ => panic!("not ordered"),
    };
    let words = || match value {
        Value::List(words) => words.clone(),
        _ => Vec::new(),
    };
    let folded = |value: &Value| match key(value) {
        Value::Text(text) => text,
        _ => String::new(),
    };
    let null = *value == Value::Null;
    match test {
        Test::Eq(other) => !null && key(value) == key(other),
        Test::Ne(other) => null || key(value) != key(other),
        Test::In(list) => !null && list.iter().any(|other| key(value) == key(other)),
        Test::NotIn(list) => null || !list.iter().any(|other| key(value) == key(other)),
        Test::Lt(other) => !null && number(value) < number(other),
        Test::Lte(other) => !null && number(value) <= number(other),
        Test::Gt(other) => !null && number(value) > number(other),
        Test::Gte(other) => !null && number(value) >= number(other),
        Test::IsNull(yes) => null == *yes,
        Test::Contains(part) => !null && folded(value).contains(&fold_v1(part)),
        Test::StartsWith(part) => !null && folded(value).starts_with(&fold_v1(part)),
        Test::EndsWith(part) => !null && folded(value).ends_with(&fold_v1(part)),
        Test::HasAny(wanted) => wanted.iter().any(|word| words().contains(word)),
        Test::HasNone(wanted) => !wanted.iter().any(|word| words().contains(word)),
        Test::HasAll(wanted) => wanted.is_empty() || (!null && wanted.iter().all(|word| words().contains(word))),
        Test::Target(_) => panic!("no customer is linked to any record"),
        Test::Period(period) => {
            let span = calendar::instants(*period, ctx.caller.clock.micros(), ctx.db.settings().time_zone);
            let Value::Int(at) = value else { return false };
            span.from.is_none_or(|from| *at >= from) && span.until.is_none_or(|until| *at < until)
        }
    }
}

const CITIES: &[&str] = &["Alger", "alger centre", "Sétif", "100%_", "O'Brien", "Œ", ""];

fn some_value(kind: &FieldKind, dice: &mut Dice, now: i64) -> Value {
    match kind {
        FieldKind::Text | FieldKind::LongText => text(dice.pick(&CITIES[..6])),
        FieldKind::Integer => Value::Int(dice.roll(4) as i64 - 1),
        FieldKind::Money => {
            Value::Money(Money { amount: dice.roll(3) as i64, currency: *b"EUR", base: dice.roll(3) as i64 })
        }
        FieldKind::Boolean => Value::Bool(dice.roll(2) == 0),
        FieldKind::Select { options } => text(&dice.pick(options).value),
        FieldKind::Tags => {
            let words = ["a", "b", "c"].iter().filter(|_| dice.roll(2) == 0).map(|word| (*word).to_owned());
            match words.collect::<Vec<_>>() {
                words if words.is_empty() => Value::Null,
                words => Value::List(words),
            }
        }
        FieldKind::DateTime => Value::Int(now + (dice.roll(81) as i64 - 40) * DAY / 4),
        other => panic!("{other:?}"),
    }
}

fn some_test(field: &Field, dice: &mut Dice, now: i64) -> Test {
    let value = |dice: &mut Dice| some_value(&field.kind, dice, now);
    let part = |dice: &mut Dice| dice.pick(&["al", "É", "%", "_", "' ", "œ", "", "00"]).to_owned();
    let words =
        |dice: &mut Dice| ["a", "b", "d"].iter().filter(|_| dice.roll(2) == 0).map(|word| (*word).to_owned()).collect();
    let list = |dice: &mut Dice| (0..dice.roll(3)).map(|_| value(dice)).collect();
    match dice.pick(filter::operators(field)) {
        Operator::Eq => Test::Eq(value(dice)),
        Operator::Ne => Test::Ne(value(dice)),
        Operator::In => Test::In(list(dice)),
        Operator::NotIn => Test::NotIn(list(dice)),
        Operator::Lt => Test::Lt(value(dice)),
        Operator::Lte => Test::Lte(value(dice)),
        Operator::Gt => Test::Gt(value(dice)),
        Operator::Gte => Test::Gte(value(dice)),
        Operator::IsNull => Test::IsNull(dice.roll(2) == 0),
        Operator::Contains => Test::Contains(part(dice)),
        Operator::StartsWith => Test::StartsWith(part(dice)),
        Operator::EndsWith => Test::EndsWith(part(dice)),
        Operator::HasAny => Test::HasAny(words(dice)),
        Operator::HasAll => Test::HasAll(words(dice)),
        Operator::HasNone => Test::HasNone(words(dice)),
        Operator::Object => panic!("no customer is linked to any record"),
        Operator::Period => Test::Period(dice.pick(&[
            Period::Today,
            Period::ThisWeek,
            Period::Past,
            Period::Future,
            Period::LastDays(3),
            Period::NextDays(2),
            Period::OlderThanDays(5),
            Period::AfterDays(1),
        ])),
    }
}

fn some_filter(ctx: &Ctx, object: &str, dice: &mut Dice, depth: usize) -> Filter {
    let now = ctx.caller.clock.micros();
    let fields: &[&str] = match object {
        "customer" => &["city", "score", "spent", "vip", "tier", "tags", "notes", "seen"],
        _ => &["plate"],
    };
    let parts = |dice: &mut Dice| (0..dice.roll(4)).map(|_| some_filter(ctx, object, dice, depth + 1)).collect();
    match dice.roll(if depth < 2 { 9 } else { 4 }) {
        4 => Filter::And(parts(dice)),
        5 => Filter::Or(parts(dice)),
        6 => Filter::Not(Box::new(some_filter(ctx, object, dice, depth + 1))),
        8 if object == "customer" => Filter::Counted {
            field: field(ctx, "customer", "vehicles"),
            count: (0..1 + dice.roll(2))
                .map(|_| {
                    let tests =
                        [CountTest::Eq, CountTest::Ne, CountTest::Lt, CountTest::Lte, CountTest::Gt, CountTest::Gte];
                    dice.pick(&tests)(dice.roll(3) as u32)
                })
                .collect(),
            filter: Box::new(some_filter(ctx, "vehicle", dice, depth + 1)),
        },
        7 if object == "customer" => Filter::Related {
            field: field(ctx, "customer", "vehicles"),
            quantifier: dice.pick(&[Quantifier::Some, Quantifier::None, Quantifier::Every]),
            filter: Box::new(some_filter(ctx, "vehicle", dice, depth + 1)),
        },
        _ => {
            let field = ctx.catalog.object(object).unwrap().field(dice.pick(fields)).unwrap();
            Filter::Field { field: field.id, test: some_test(field, dice, now) }
        }
    }
}

async fn records(ctx: &Ctx, dice: &mut Dice) -> Vec<(RecordId, Seen)> {
    let now = ctx.caller.clock.micros();
    let customer = ctx.catalog.object("customer").unwrap();
    let names = ["city", "score", "spent", "vip", "tier", "tags", "notes", "seen"];
    let mut given = Vec::new();
    for _ in 0..60 {
        let mut record = Vec::new();
        for name in names {
            let value = some_value(&customer.field(name).unwrap().kind, dice, now);
            record.push((name, if dice.roll(4) == 0 { Value::Null } else { value }));
        }
        given.push(record);
    }
    let ids = insert(ctx, "customer", &given).await;
    let mut seen = Vec::new();
    for (id, record) in ids.into_iter().zip(given) {
        let mut vehicles = Vec::new();
        for _ in 0..dice.roll(3) {
            let plate = if dice.roll(3) == 0 { Value::Null } else { text(dice.pick(&CITIES[..6])) };
            let archived = if dice.roll(4) == 0 { Value::Int(1) } else { Value::Null };
            let vehicle =
                vec![("plate", plate.clone()), ("customer", Value::Id(id.0)), ("archivedAt", archived.clone())];
            insert(ctx, "vehicle", &[vehicle]).await;
            if archived == Value::Null {
                vehicles.push(HashMap::from([(field(ctx, "vehicle", "plate"), plate)]));
            }
        }
        let values = record.into_iter().map(|(name, value)| (field(ctx, "customer", name), value)).collect();
        seen.push((id, Seen { values, vehicles }));
    }
    seen
}

#[tokio::test]
async fn the_database_agrees_with_the_language() {
    let ctx = fixture::ctx().await;
    let mut dice = Dice(0xfeed_beef_0123_4567);
    let records = records(&ctx, &mut dice).await;
    for round in 0..400 {
        let filter = some_filter(&ctx, "customer", &mut dice, 0);
        let mut query = query(1);
        let expected: Vec<RecordId> =
            records.iter().filter(|(_, seen)| holds(&ctx, &filter, seen)).map(|(id, _)| *id).collect();
        query.filter = Some(filter);
        let found = list(&ctx, &query).await.unwrap();
        assert_eq!(super::ids(&found), expected, "round {round}: {:?}", query.filter);
    }
}

async fn named(ctx: &Ctx, object: u128, filter: serde_json::Value) -> Vec<Value> {
    let locale = Locale::of(ctx.db.settings(), Rates::default());
    let mut query = query(object);
    let object = ctx.catalog.object_by_id(query.object).unwrap();
    query.filter = Some(filter::parse(&ctx.catalog, object, &filter, &locale).unwrap());
    query.select = vec![object.field("name").unwrap().id];
    firsts(&list(ctx, &query).await.unwrap())
}

#[tokio::test]
async fn relations_are_followed_both_ways() {
    let ctx = fixture::ctx().await;
    let people = insert(
        &ctx,
        "customer",
        &[
            vec![("name", text("Amel"))],
            vec![("name", text("Bilal"))],
            vec![("name", text("Chloé")), ("archivedAt", Value::Int(1))],
        ],
    )
    .await;
    let car = |name, owner: usize| vec![("name", text(name)), ("customer", Value::Id(people[owner].0))];
    insert(&ctx, "vehicle", &[car("a1", 0), car("a2", 0), car("c1", 2), vec![("name", text("none"))]]).await;
    let groups = insert(&ctx, "group", &[vec![("name", text("staff"))], vec![("name", text("guests"))]]).await;
    link(&ctx, &[(people[0], groups[0]), (people[1], groups[0]), (people[1], groups[1]), (people[2], groups[1])]).await;

    let id = people[2].to_string();
    for (object, filter, expected) in [
        (2, json!({ "customer": { "name": { "startsWith": "a" } } }), vec!["a1", "a2"]),
        (2, json!({ "customer": { "name": { "eq": "chloe" } } }), vec![]), // archived
        (2, json!({ "customer": { "id": { "eq": id } } }), vec!["c1"]),
        (2, json!({ "customer": { "id": { "isNull": true } } }), vec!["none"]),
        (2, json!({ "customer": {} }), vec!["a1", "a2"]),
        (2, json!({ "not": { "customer": {} } }), vec!["c1", "none"]),
        (1, json!({ "vehicles": { "some": {} } }), vec!["Amel"]),
        (1, json!({ "vehicles": { "none": { "name": { "eq": "a1" } } } }), vec!["Bilal"]),
        (1, json!({ "vehicles": { "every": { "name": { "eq": "a1" } } } }), vec!["Bilal"]),
        (1, json!({ "groups": { "some": { "name": { "eq": "guests" } } } }), vec!["Bilal"]),
        (1, json!({ "groups": { "every": { "name": { "eq": "staff" } } } }), vec!["Amel"]),
        (3, json!({ "customers": { "some": { "vehicles": { "some": { "name": { "eq": "a2" } } } } } }), vec!["staff"]),
        (3, json!({ "customers": { "none": { "name": { "eq": "amel" } } } }), vec!["guests"]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(text).collect();
        assert_eq!(named(&ctx, object, filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn actors_are_found_by_kind_and_by_id() {
    let ctx = fixture::ctx().await;
    let [one, two] = [1, 2].map(|n| uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n).to_string());
    let by = |name, actor: String| vec![("name", text(name)), ("createdBy", text(&actor))];
    let made = [
        by("m1", format!("MEMBER:{one}")),
        by("m2", format!("MEMBER:{two}")),
        by("k2", format!("API_KEY:{two}")),
        by("s", "SYSTEM".to_owned()),
    ];
    insert(&ctx, "customer", &made).await;
    for (test, expected) in [
        (json!({ "eq": { "kind": "MEMBER" } }), vec!["m1", "m2"]),
        (json!({ "eq": { "kind": "SYSTEM" } }), vec!["s"]),
        (json!({ "eq": { "kind": "API_KEY", "id": two } }), vec!["k2"]),
        (json!({ "eq": { "kind": "API_KEY", "id": one } }), vec![]),
        (json!({ "eq": { "id": two } }), vec!["m2", "k2"]),
        (json!({ "ne": { "kind": "MEMBER" } }), vec!["k2", "s"]),
        (json!({ "ne": { "id": two } }), vec!["m1", "s"]),
        (json!({ "in": [{ "id": one }, { "kind": "SYSTEM" }] }), vec!["m1", "s"]),
        (json!({ "in": [] }), vec![]),
        (json!({ "notIn": [{ "kind": "MEMBER" }, { "kind": "API_KEY" }, { "kind": "MEMBER" }] }), vec!["s"]),
        (json!({ "isNull": true }), vec![]),
        (json!({ "isNull": false }), vec!["m1", "m2", "k2", "s"]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(text).collect();
        assert_eq!(named(&ctx, 1, json!({ "createdBy": test })).await, expected, "{test}");
        let denied = named(&ctx, 1, json!({ "not": { "createdBy": test } })).await;
        assert_eq!(denied.len(), 4 - expected.len(), "not {test}");
    }
}

#[tokio::test]
async fn words_are_found_whole_however_they_are_written() {
    let ctx = fixture::ctx().await;
    let tags = |name, words: &[&str]| {
        let words = Value::List(words.iter().map(|word| (*word).to_owned()).collect());
        vec![("name", text(name)), ("tags", words)]
    };
    let given = [
        tags("plain", &["a", "b"]),
        tags("odd", &["a\"b", "c,d", "[e]", ","]),
        tags("far", &["é\\", "\u{1f600}", "a b"]),
        vec![("name", text("none"))],
    ];
    insert(&ctx, "customer", &given).await;
    for (test, expected) in [
        (json!({ "hasAny": [","] }), vec!["odd"]),
        (json!({ "hasAll": [","] }), vec!["odd"]),
        (json!({ "hasAny": ["a"] }), vec!["plain"]),
        (json!({ "hasAny": ["a\"b"] }), vec!["odd"]),
        (json!({ "hasAll": ["c,d", "[e]"] }), vec!["odd"]),
        (json!({ "hasAny": ["é\\"] }), vec!["far"]),
        (json!({ "hasAll": ["\u{1f600}", "a b"] }), vec!["far"]),
        (json!({ "hasAny": ["b", "a b"] }), vec!["plain", "far"]),
        (json!({ "hasNone": ["a"] }), vec!["odd", "far", "none"]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(text).collect();
        assert_eq!(named(&ctx, 1, json!({ "tags": test })).await, expected, "{test}");
    }
}
