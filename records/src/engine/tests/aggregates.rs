//! Rollups and groups, on both databases.

use entities::ids::FieldId;
use tenants::Code;

use super::field;
use crate::{
    Ctx,
    catalog::RollupFunction,
    engine::{AggregateQuery, Archived, Bucket, Group, GroupKey, GroupOrder, GroupOrderBy, Measure, aggregate},
    filter::{Filter, Test},
    fixture::{self, insert, object_id, text},
    values::{Money, Value},
};

fn query(group_by: Vec<GroupKey>, measures: Vec<Measure>) -> AggregateQuery {
    AggregateQuery {
        object: object_id(1),
        filter: None,
        archived: Archived::Exclude,
        group_by,
        measures,
        order: Vec::new(),
        limit: 1000,
    }
}

fn by(field: FieldId, bucket: Bucket) -> GroupKey {
    GroupKey { field, bucket }
}

const COUNT: Measure = Measure { function: RollupFunction::Count, field: None };

fn measure(ctx: &Ctx, function: RollupFunction, name: &str) -> Measure {
    Measure { function, field: Some(field(ctx, "customer", name)) }
}

fn group(keys: &[Value], measures: &[Value]) -> Group {
    Group { keys: keys.to_vec(), measures: measures.to_vec() }
}

#[tokio::test]
async fn sums_means_and_extremes_are_exact() {
    let ctx = fixture::ctx().await;
    let all = |ctx: &Ctx| {
        let mut measures = vec![COUNT];
        for function in [RollupFunction::Sum, RollupFunction::Avg, RollupFunction::Min, RollupFunction::Max] {
            measures.extend(["score", "ratio", "spent"].map(|name| measure(ctx, function, name)));
        }
        measures.push(measure(ctx, RollupFunction::Count, "score"));
        query(Vec::new(), measures)
    };
    let nothing = aggregate(&ctx, &all(&ctx)).await.unwrap();
    let mut expected = vec![Value::Null; 14];
    (expected[0], expected[13]) = (Value::Int(0), Value::Int(0));
    assert_eq!(nothing, [group(&[], &expected)]);

    let money = |base| Value::Money(Money { amount: 1, currency: *b"EUR", base });
    let record =
        |score, ratio, base| vec![("score", Value::Int(score)), ("ratio", Value::Int(ratio)), ("spent", money(base))];
    insert(&ctx, "customer", &[record(1, 250, 10_000), record(2, 125, 20_001), record(2, -1, 3), vec![]]).await;
    let found = aggregate(&ctx, &all(&ctx)).await.unwrap();
    // means half to even: 5/3 at scale 2, 374/3 at scale 2, 30 004/3 at scale 4
    let numbers = [4, 5, 374, 30_004, 167, 125, 10_001, 1, -1, 3, 2, 250, 20_001, 3];
    assert_eq!(found, [group(&[], &numbers.map(Value::Int))]);
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error() {
    let ctx = fixture::ctx().await;
    let record = || vec![("score", Value::Int(i64::MAX))];
    insert(&ctx, "customer", &[record(), record()]).await;
    for function in [RollupFunction::Sum, RollupFunction::Avg] {
        let query = query(Vec::new(), vec![measure(&ctx, function, "score")]);
        assert_eq!(aggregate(&ctx, &query).await.unwrap_err().code(), Code::NumberOverflow);
    }
}

#[tokio::test]
async fn values_make_groups() {
    let ctx = fixture::ctx().await;
    let record =
        |city: &str, tier, score| vec![("city", text(city)), ("tier", text(tier)), ("score", Value::Int(score))];
    insert(
        &ctx,
        "customer",
        &[
            record("Sétif", "silver", 1),
            record("setif ", "gold", 2),
            record("Alger", "silver", 5),
            vec![("score", Value::Int(3))],
            vec![("score", Value::Int(9)), ("archivedAt", Value::Int(1))],
        ],
    )
    .await;
    let score = measure(&ctx, RollupFunction::Sum, "score");
    let city = by(field(&ctx, "customer", "city"), Bucket::Value);
    let tier = by(field(&ctx, "customer", "tier"), Bucket::Value);
    let n = Value::Int;

    let cities = aggregate(&ctx, &query(vec![city], vec![COUNT, score])).await.unwrap();
    let expected = [
        group(&[Value::Null], &[n(1), n(3)]),
        group(&[text("Alger")], &[n(1), n(5)]),
        group(&[text("Sétif")], &[n(2), n(3)]),
    ];
    assert_eq!(cities, expected);

    let mut tiers = query(vec![tier], vec![COUNT, score, measure(&ctx, RollupFunction::Avg, "score")]);
    tiers.order = vec![GroupOrder { by: GroupOrderBy::Key(0), descending: true }];
    let expected = [
        group(&[text("silver")], &[n(2), n(6), n(300)]),
        group(&[text("gold")], &[n(1), n(2), n(200)]),
        group(&[Value::Null], &[n(1), n(3), n(300)]),
    ];
    assert_eq!(aggregate(&ctx, &tiers).await.unwrap(), expected);
    tiers.order = vec![GroupOrder { by: GroupOrderBy::Measure(2), descending: false }];
    tiers.limit = 1;
    assert_eq!(aggregate(&ctx, &tiers).await.unwrap(), expected[1..2]);
    tiers.order[0].by = GroupOrderBy::Measure(1);
    tiers.order[0].descending = true;
    assert_eq!(aggregate(&ctx, &tiers).await.unwrap(), expected[..1]);

    let both = aggregate(&ctx, &query(vec![city, tier], vec![COUNT])).await.unwrap();
    assert_eq!(both.len(), 4);
    assert_eq!(both[2].keys[1], text("gold").clone());
}

#[tokio::test]
async fn links_and_booleans_make_groups() {
    let ctx = fixture::ctx().await;
    let people =
        insert(&ctx, "customer", &[vec![("vip", Value::Bool(true))], vec![("vip", Value::Bool(false))], vec![]]).await;
    let owned = |i: usize| vec![("customer", Value::Id(people[i].0))];
    insert(&ctx, "vehicle", &[owned(0), owned(1), owned(1), vec![]]).await;
    let mut of_vehicles = query(vec![by(field(&ctx, "vehicle", "customer"), Bucket::Value)], vec![COUNT]);
    of_vehicles.object = object_id(2);
    of_vehicles.order = vec![GroupOrder { by: GroupOrderBy::Measure(0), descending: true }];
    let found = aggregate(&ctx, &of_vehicles).await.unwrap();
    let expected = [(Value::Id(people[1].0), 2), (Value::Null, 1), (Value::Id(people[0].0), 1)];
    assert_eq!(found, expected.map(|(key, count)| group(&[key], &[Value::Int(count)])));
    let vips = query(vec![by(field(&ctx, "customer", "vip"), Bucket::Value)], vec![COUNT]);
    let expected = [Value::Null, Value::Bool(false), Value::Bool(true)];
    assert_eq!(aggregate(&ctx, &vips).await.unwrap(), expected.map(|key| group(&[key], &[Value::Int(1)])));
}

fn instant(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

#[tokio::test]
async fn time_falls_into_the_organisations_days() {
    let ctx = fixture::ctx().await; // Africa/Algiers, UTC+1
    let seen = ["2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z", "2026-03-30T10:00:00Z"];
    let mut records: Vec<_> = seen.iter().map(|at| vec![("seen", Value::Int(instant(at)))]).collect();
    records.push(Vec::new());
    insert(&ctx, "customer", &records).await;
    let field = field(&ctx, "customer", "seen");
    let starts = |starts: &[(&str, i64)]| {
        let mut expected = vec![group(&[Value::Null], &[Value::Int(1)])];
        expected.extend(starts.iter().map(|(at, count)| group(&[Value::Int(instant(at))], &[Value::Int(*count)])));
        expected
    };
    for (bucket, expected) in [
        (
            Bucket::Hour,
            starts(&[
                ("2026-01-31T22:00:00Z", 1),
                ("2026-01-31T23:00:00Z", 1),
                ("2026-02-01T00:00:00Z", 1),
                ("2026-03-30T10:00:00Z", 1),
            ]),
        ),
        (Bucket::Day, starts(&[("2026-01-30T23:00:00Z", 1), ("2026-01-31T23:00:00Z", 2), ("2026-03-29T23:00:00Z", 1)])),
        (Bucket::Week, starts(&[("2026-01-25T23:00:00Z", 3), ("2026-03-29T23:00:00Z", 1)])),
        (
            Bucket::Month,
            starts(&[("2025-12-31T23:00:00Z", 1), ("2026-01-31T23:00:00Z", 2), ("2026-02-28T23:00:00Z", 1)]),
        ),
        (Bucket::Quarter, starts(&[("2025-12-31T23:00:00Z", 4)])),
        (Bucket::Year, starts(&[("2025-12-31T23:00:00Z", 4)])),
    ] {
        assert_eq!(
            aggregate(&ctx, &query(vec![by(field, bucket)], vec![COUNT])).await.unwrap(),
            expected,
            "{bucket:?}"
        );
    }
}

#[tokio::test]
async fn days_are_as_long_as_the_clocks_make_them() {
    let ctx = fixture::ctx_in("Europe/Paris").await;
    // Every half hour over both changes of 2025: 30 March has 23 hours, 26 October has 25.
    let mut records = Vec::new();
    for from in ["2025-03-28T23:00:00Z", "2025-10-24T22:00:00Z"] {
        records.extend((0..145).map(|half| vec![("seen", Value::Int(instant(from) + half * 1_800_000_000))]));
    }
    insert(&ctx, "customer", &records).await;
    let field = field(&ctx, "customer", "seen");
    let counts = [
        ("2025-03-28T23:00:00Z", 48),
        ("2025-03-29T23:00:00Z", 46),
        ("2025-03-30T22:00:00Z", 48),
        ("2025-03-31T22:00:00Z", 3),
        ("2025-10-24T22:00:00Z", 48),
        ("2025-10-25T22:00:00Z", 50),
        ("2025-10-26T23:00:00Z", 47),
    ];
    let expected = counts.map(|(at, count)| group(&[Value::Int(instant(at))], &[Value::Int(count)]));
    assert_eq!(aggregate(&ctx, &query(vec![by(field, Bucket::Day)], vec![COUNT])).await.unwrap(), expected);
    // Every hour is one, also the one that came twice.
    let hours = aggregate(&ctx, &query(vec![by(field, Bucket::Hour)], vec![COUNT])).await.unwrap_err();
    assert_eq!(hours.code(), Code::BadRequest);
    let mut october = query(vec![by(field, Bucket::Hour)], vec![COUNT]);
    let start = Value::Int(instant("2025-10-24T22:00:00Z"));
    october.filter = Some(Filter::Field { field, test: Test::Gte(start) });
    let hours = aggregate(&ctx, &october).await.unwrap();
    assert_eq!(hours.len(), 73);
    assert!(hours[..72].iter().all(|hour| hour.measures == [Value::Int(2)]));
}

#[tokio::test]
async fn dates_have_no_zone() {
    let ctx = fixture::ctx().await;
    insert(
        &ctx,
        "customer",
        &[vec![("birth", Value::Int(30))], vec![("birth", Value::Int(31))], vec![("birth", Value::Int(-1))]],
    )
    .await;
    let month = query(vec![by(field(&ctx, "customer", "birth"), Bucket::Month)], vec![COUNT]);
    let expected = [-31, 0, 31].map(|day| group(&[Value::Int(day)], &[Value::Int(1)]));
    assert_eq!(aggregate(&ctx, &month).await.unwrap(), expected);
    let none = query(vec![by(field(&ctx, "customer", "seen"), Bucket::Year)], vec![COUNT]);
    assert_eq!(aggregate(&ctx, &none).await.unwrap(), [group(&[Value::Null], &[Value::Int(3)])]);
}

#[tokio::test]
async fn what_cannot_be_grouped_or_computed_is_refused() {
    let ctx = fixture::ctx().await;
    insert(
        &ctx,
        "customer",
        &[vec![("seen", Value::Int(0))], vec![("seen", Value::Int(instant("2026-01-01T00:00:00Z")))]],
    )
    .await;
    let key = |name, bucket| query(vec![by(field(&ctx, "customer", name), bucket)], vec![COUNT]);
    let compute = |function, name| query(Vec::new(), vec![measure(&ctx, function, name)]);
    let mut refused = vec![
        key("tags", Bucket::Value),
        key("notes", Bucket::Value),
        key("extra", Bucket::Value),
        key("vehicles", Bucket::Value),
        key("city", Bucket::Month),
        key("seen", Bucket::Hour), // too many
        compute(RollupFunction::Sum, "city"),
        compute(RollupFunction::Sum, "seen"),
        compute(RollupFunction::Min, "vip"),
        query(Vec::new(), vec![Measure { function: RollupFunction::Sum, field: None }]),
        AggregateQuery { limit: 0, ..query(Vec::new(), Vec::new()) },
        AggregateQuery { limit: 1001, ..query(Vec::new(), Vec::new()) },
    ];
    refused.push(query(Vec::new(), vec![COUNT]));
    refused.last_mut().unwrap().order = vec![GroupOrder { by: GroupOrderBy::Key(0), descending: false }];
    for query in refused {
        let error = aggregate(&ctx, &query).await.unwrap_err();
        assert_eq!(error.code(), Code::BadRequest, "{query:?}");
    }
}
