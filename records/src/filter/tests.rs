//! The SQL that filters become, and what is refused, with its place.

use serde_json::{Value as Json, json};
use tenants::{Code, Dialect, error::Error};

use super::{Filter, Quantifier, Scope, Test, parse, predicate, show};
use crate::{
    fixture::{self, DAY, field_id, text},
    sql::Sql,
    values::{Locale, Value, testing},
};

fn locale() -> Locale {
    testing::locale("DZ")
}

fn sql(dialect: Dialect, filter: &Filter) -> Result<(String, Vec<sea_orm::Value>), Error> {
    let catalog = fixture::catalog();
    let scope = Scope { catalog: &catalog, now: 10 * DAY, zone: chrono_tz::UTC, asker: None };
    let mut sql = Sql::new(dialect);
    predicate(&mut sql, scope, catalog.object("customer").unwrap(), "t0", filter)?;
    Ok(sql.into_parts())
}

fn parsed(json: Json) -> Result<Filter, Error> {
    let catalog = fixture::catalog();
    parse(&catalog, catalog.object("customer").unwrap(), &json, &locale())
}

#[track_caller]
fn both(json: Json, expected: &str) {
    let filter = parsed(json).unwrap();
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        assert_eq!(sql(dialect, &filter).unwrap().0, expected, "{dialect:?}");
    }
}

#[track_caller]
fn each(json: Json, postgres: &str, sqlite: &str) {
    let filter = parsed(json).unwrap();
    assert_eq!(sql(Dialect::Postgres, &filter).unwrap().0, postgres);
    assert_eq!(sql(Dialect::Sqlite, &filter).unwrap().0, sqlite);
}

#[track_caller]
fn refused(json: Json, path: &str, part: &str) {
    let result = parsed(json).and_then(|filter| sql(Dialect::Postgres, &filter));
    let error = result.unwrap_err();
    assert_eq!(error.code(), Code::BadFilter);
    assert_eq!(error.details()["filterPath"], path, "{error:?}");
    assert!(error.message().contains(part), "{}", error.message());
}

#[test]
fn comparisons_go_to_the_key() {
    both(json!({ "city": { "eq": "Sétif" } }), r#"t0."f101_k" = $1"#);
    both(json!({ "spent": { "gte": "10.5" } }), r#"t0."f103_b" >= $1"#);
    both(json!({ "tier": { "ne": "gold" } }), r#"t0."f105" IS DISTINCT FROM $1"#);
    both(json!({ "name": { "startsWith": "Al " } }), r#"(t0."name_k" >= $1 AND t0."name_k" < $2)"#);
    both(
        json!({ "vip": { "eq": true }, "score": { "lt": 3, "gt": 1 } }),
        r#"(t0."f104" = $1 AND t0."f102" < $2 AND t0."f102" > $3)"#,
    );
    let filter = parsed(json!({ "city": { "eq": " SÉTIF " }, "phone": { "eq": "0550 12 34 56" } })).unwrap();
    let values = sql(Dialect::Sqlite, &filter).unwrap().1;
    assert_eq!(values, ["setif".into(), "+213550123456".into()]);
}

#[test]
fn numbers_with_too_many_digits_are_compared_as_written() {
    for (written, means) in [
        (json!({ "gt": "3.135" }), json!({ "gte": "3.14" })),
        (json!({ "gte": "3.135" }), json!({ "gte": "3.14" })),
        (json!({ "lt": 3.135 }), json!({ "lt": "3.14" })),
        (json!({ "lte": "3.135" }), json!({ "lt": "3.14" })),
        (json!({ "gt": "3.141" }), json!({ "gt": "3.14" })),
        (json!({ "gte": "-3.135" }), json!({ "gt": "-3.14" })),
        (json!({ "lt": "3.141" }), json!({ "lte": "3.14" })),
        (json!({ "eq": "3.141" }), json!({ "in": [] })),
        (json!({ "ne": "3.141" }), json!({ "notIn": [] })),
        (json!({ "in": ["3.141", "2.5"] }), json!({ "in": ["2.50"] })),
        (json!({ "eq": "3.140" }), json!({ "eq": "3.14" })),
    ] {
        let [is, expected] = [&written, &means].map(|test| parsed(json!({ "ratio": test })).unwrap());
        assert_eq!(is, expected, "{written}");
    }
}

#[test]
fn dialects_differ_in_lists_and_places() {
    each(
        json!({ "score": { "in": [1, 2] } }),
        r#"t0."f102" = ANY($1)"#,
        r#"t0."f102" IN (SELECT value FROM json_each($1))"#,
    );
    each(json!({ "city": { "contains": "é%_" } }), r#"strpos(t0."f101_k", $1) > 0"#, r#"instr(t0."f101_k", $1) > 0"#);
    each(json!({ "city": { "endsWith": "é" } }), r#"right(t0."f101_k", 1) = $1"#, r#"substr(t0."f101_k", -1) = $1"#);
    each(
        json!({ "tags": { "hasAny": ["a"] } }),
        r#"t0."f106" && $1"#,
        r#"(instr(t0."f106", $1) > 0 AND EXISTS (SELECT 1 FROM json_each(t0."f106") WHERE value IN (SELECT value FROM json_each($2))))"#,
    );
    each(
        json!({ "tags": { "hasAny": ["a", "b"] } }),
        r#"t0."f106" && $1"#,
        r#"(EXISTS (SELECT 1 FROM json_each(t0."f106") WHERE value IN (SELECT value FROM json_each($1))))"#,
    );
    each(
        json!({ "tags": { "hasAll": ["a"] } }),
        r#"t0."f106" @> $1"#,
        r#"(instr(t0."f106", $1) > 0 AND NOT EXISTS (SELECT 1 FROM json_each($2) WHERE value NOT IN (SELECT value FROM json_each(t0."f106"))))"#,
    );
}

#[test]
fn negation_goes_inwards_and_takes_nulls() {
    both(json!({ "not": { "score": { "lt": 3 } } }), r#"(t0."f102" < $1) IS NOT TRUE"#);
    both(json!({ "not": { "city": { "isNull": true } } }), r#"t0."f101_k" IS NOT NULL"#);
    both(json!({ "not": { "city": { "ne": "a" } } }), r#"t0."f101_k" = $1"#);
    both(
        json!({ "not": { "or": [{ "score": { "eq": 1 } }, { "vip": { "eq": true } }] } }),
        r#"(t0."f102" IS DISTINCT FROM $1 AND t0."f104" IS DISTINCT FROM $2)"#,
    );
    both(json!({ "or": [] }), "FALSE");
    both(json!({ "not": { "or": [] } }), "TRUE");
    both(json!({}), "TRUE");
    both(json!({ "score": { "in": [] } }), "FALSE");
    both(json!({ "tags": { "hasNone": [] } }), "TRUE");
}

#[test]
fn relations_are_semi_joins_without_the_archived() {
    both(
        json!({ "vehicles": { "some": { "plate": { "eq": "x" } } } }),
        r#"EXISTS (SELECT 1 FROM "tenant"."o2" AS r1 WHERE r1."f202" = t0."id" AND r1."archived_at" IS NULL AND r1."f201_k" = $1)"#,
    );
    both(
        json!({ "vehicles": { "every": { "plate": { "eq": "x" } } } }),
        r#"NOT EXISTS (SELECT 1 FROM "tenant"."o2" AS r1 WHERE r1."f202" = t0."id" AND r1."archived_at" IS NULL AND r1."f201_k" IS DISTINCT FROM $1)"#,
    );
    both(
        json!({ "groups": { "none": {} } }),
        r#"NOT EXISTS (SELECT 1 FROM "tenant"."l1" AS l1 JOIN "tenant"."o3" AS r1 ON r1."id" = l1."b" WHERE l1."a" = t0."id" AND r1."archived_at" IS NULL AND TRUE)"#,
    );
    both(
        json!({ "vehicles": { "count": { "gte": 2, "lt": 5 }, "where": { "plate": { "eq": "x" } } } }),
        r#"(SELECT count(*) >= 2 AND count(*) < 5 FROM "tenant"."o2" AS r1 WHERE r1."f202" = t0."id" AND r1."archived_at" IS NULL AND r1."f201_k" = $1)"#,
    );
    both(
        json!({ "not": { "groups": { "count": { "eq": 0 } } } }),
        r#"NOT (SELECT count(*) = 0 FROM "tenant"."l1" AS l1 JOIN "tenant"."o3" AS r1 ON r1."id" = l1."b" WHERE l1."a" = t0."id" AND r1."archived_at" IS NULL AND TRUE)"#,
    );
    let id = "01900000-0000-7000-8000-000000000001";
    both(
        json!({ "vehicles": { "some": { "customer": { "id": { "eq": id }, "name": { "eq": "a" } } } } }),
        r#"EXISTS (SELECT 1 FROM "tenant"."o2" AS r1 WHERE r1."f202" = t0."id" AND r1."archived_at" IS NULL AND (r1."f202" = $1 AND EXISTS (SELECT 1 FROM "tenant"."o1" AS r2 WHERE r2."id" = r1."f202" AND r2."archived_at" IS NULL AND r2."name_k" = $2)))"#,
    );
}

#[test]
fn periods_become_ranges() {
    let filter = parsed(json!({ "seen": { "today": true }, "birth": { "period": "TODAY" } })).unwrap();
    let (text, values) = sql(Dialect::Postgres, &filter).unwrap();
    assert_eq!(text, r#"((t0."f110" >= $1 AND t0."f110" < $2) AND (t0."f109" >= $3 AND t0."f109" < $4))"#);
    assert_eq!(values, [(10 * DAY).into(), (11 * DAY).into(), 10_i64.into(), 11_i64.into()]);
    both(json!({ "birth": { "olderThanDays": 30 } }), r#"(t0."f109" < $1)"#);
}

#[test]
fn refusals_name_the_place_and_the_remedy() {
    refused(json!({ "town": { "eq": "x" } }), "town", "customer has no field of this name");
    refused(json!({ "city": { "hasAny": ["x"] } }), "city.hasAny", "it takes eq, ne");
    refused(json!({ "notes": { "eq": "x" } }), "notes.eq", "it takes isNull, contains");
    refused(json!({ "extra": { "eq": "x" } }), "extra.eq", "cannot be filtered");
    refused(json!({ "score": { "eq": "x" } }), "score.eq", "a whole number");
    refused(json!({ "tier": { "in": ["gold", "tin"] } }), "tier.in", "");
    refused(json!({ "city": { "eq": null } }), "city.eq", "isNull");
    refused(json!({ "city": null }), "city", "object of conditions");
    refused(json!({ "city": "x" }), "city", "object of conditions");
    refused(json!({ "or": { "city": {} } }), "or", "a list of filters");
    refused(json!({ "vehicles": { "plate": { "eq": "x" } } }), "vehicles.plate", "some, none, every, count");
    refused(json!({ "vehicles": { "count": {} } }), "vehicles.count", "one of eq");
    refused(json!({ "vehicles": { "count": { "gte": -1 } } }), "vehicles.count.gte", "0 or more");
    refused(json!({ "vehicles": { "count": { "in": 1 } } }), "vehicles.count.in", "eq, ne");
    refused(json!({ "vehicles": { "where": {} } }), "vehicles.where", "add `count`");
    refused(json!({ "vehicles": { "some": { "plat": { "eq": "x" } } } }), "vehicles.some.plat", "vehicle has no field");
    refused(json!({ "seen": { "today": false } }), "seen.today", "true");
    refused(json!({ "seen": { "lastDays": -1 } }), "seen.lastDays", "number of days");
    refused(json!({ "city": { "today": true } }), "city.today", "it takes eq");
    refused(json!({ "tags": { "hasAny": "x" } }), "tags.hasAny", "a list");
    refused(json!({ "tags": { "hasAny": ["a\u{0}b"] } }), "tags.hasAny", "NUL");
    refused(json!({ "createdBy": { "eq": "SYSTEM" } }), "createdBy.eq", "an actor like");
    refused(
        json!({ "createdBy": { "in": [{ "kind": "ROBOT" }] } }),
        "createdBy.in",
        "MEMBER, API_KEY, CUSTOMER, PLUGIN, SYSTEM",
    );
    refused(json!({ "createdBy": { "contains": "x" } }), "createdBy.contains", "it takes eq, ne");
    refused(json!([1]), "", "object of conditions");
}

#[test]
fn size_is_bounded() {
    let terms = |count: usize| json!({ "or": (0..count).map(|i| json!({ "score": { "eq": i } })).collect::<Vec<_>>() });
    assert!(sql(Dialect::Sqlite, &parsed(terms(50)).unwrap()).is_ok());
    refused(terms(51), "", "more than 50 conditions");
    let nested = |levels: usize| (0..levels).fold(json!({ "score": { "eq": 1 } }), |inner, _| json!({ "not": inner }));
    assert!(sql(Dialect::Sqlite, &parsed(nested(5)).unwrap()).is_ok());
    assert_eq!(parsed(nested(6)).unwrap_err().code(), Code::BadFilter);
    let ors =
        (0..6).fold(Filter::And(vec![]), |inner, _| Filter::Or(vec![Filter::And(vec![inner, Filter::And(vec![])])]));
    assert_eq!(sql(Dialect::Sqlite, &ors).unwrap_err().code(), Code::BadFilter);
    let ands = (0..9).fold(Filter::And(vec![]), |inner, _| Filter::And(vec![inner]));
    assert_eq!(sql(Dialect::Sqlite, &ands).unwrap_err().code(), Code::BadFilter);
    let many: Vec<Json> = (0..1001).map(Json::from).collect();
    refused(json!({ "score": { "in": many } }), "score", "at most 1000");
}

#[test]
fn stored_filters_are_checked_too() {
    let test = |field, test| sql(Dialect::Sqlite, &Filter::Field { field: field_id(field), test }).unwrap_err().code();
    assert_eq!(test(102, Test::Eq(text("x"))), Code::BadFilter);
    assert_eq!(test(102, Test::Contains("x".to_owned())), Code::BadFilter);
    assert_eq!(test(101, Test::Eq(Value::Null)), Code::BadFilter);
    for value in [Value::Null, Value::Int(1), text("a\u{0}b")] {
        assert_eq!(test(155, Test::In(vec![value])), Code::BadFilter, "a field of an actor");
    }
    assert_eq!(test(201, Test::IsNull(true)), Code::BadFilter); // a field of another object
    let filter = Box::new(Filter::And(vec![]));
    let related = Filter::Related { field: field_id(114), quantifier: Quantifier::One, filter };
    assert_eq!(sql(Dialect::Sqlite, &related).unwrap_err().code(), Code::BadFilter);
}

#[test]
fn stored_filters_survive_a_rename() {
    let filter =
        parsed(json!({ "city": { "eq": "x" }, "vehicles": { "none": { "plate": { "contains": "1" } } } })).unwrap();
    let stored = serde_json::to_string(&filter).unwrap();
    assert!(!stored.contains("city") && stored.contains(&field_id(101).to_string()));
    assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
}

#[test]
fn nothing_said_is_nothing_meant() {
    for json in [json!({}), json!({ "city": {} }), json!({ "and": [{}, { "vehicles": {} }] })] {
        assert!(parsed(json).unwrap().is_empty());
    }
    for json in
        [json!({ "or": [] }), json!({ "not": {} }), json!({ "vehicles": { "some": {} } }), json!({ "customer": {} })]
    {
        assert!(parsed(json).map_or(true, |filter| !filter.is_empty()));
    }
}

#[test]
fn a_stored_filter_is_shown_as_it_is_written() {
    let catalog = fixture::catalog();
    for json in [
        json!({ "city": { "eq": "Alger", "ne": "Oran" }, "score": { "in": [1, 2] } }),
        json!({ "or": [{ "vip": { "eq": true } }, { "spent": { "gte": { "amount": "10.50", "currency": "EUR" } } }] }),
        json!({ "not": { "tags": { "hasAny": ["a"] } }, "seen": { "lastDays": 30 }, "birth": { "period": "TODAY" } }),
        json!({ "vehicles": { "some": { "plate": { "startsWith": "16" } } }, "tier": { "isNull": true } }),
        json!({ "vehicles": { "count": { "gt": 1, "ne": 4 }, "where": { "plate": { "startsWith": "16" } } } }),
        json!({ "groups": { "count": { "eq": 0 } } }),
        json!({}),
    ] {
        assert_eq!(show(&catalog, &parsed(json.clone()).unwrap()), json);
    }
    let twice = json!({ "and": [{ "or": [{ "vip": { "eq": true } }] }, { "or": [{ "score": { "eq": 1 } }] }] });
    let filter = parsed(twice).unwrap();
    assert_eq!(parsed(show(&catalog, &filter)).unwrap(), filter);
}
