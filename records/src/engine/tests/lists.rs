//! Orders, pages and cursors, on both databases.

use std::cmp::Ordering;

use entities::ids::RecordId;
use tenants::Code;

use super::{field, firsts, ids, order, query};
use crate::{
    Ctx,
    catalog::{FieldKind, RollupFunction, ddl},
    engine::{AggregateQuery, Archived, Bucket, GroupKey, ListQuery, Measure, Order, aggregate, by_ids, list},
    fixture::{self, Dice, insert, text},
    values::{self, Money, Value},
};

const CITIES: &[&str] = &["Alger", "alger", "Sétif", "setif ", "Œuf", "zèbre", "École", "日本"];

fn customers(count: usize, dice: &mut Dice) -> Vec<Vec<(&'static str, Value)>> {
    (0..count)
        .map(|_| {
            let mut record = vec![("createdAt", Value::Int(dice.roll(6) as i64))];
            let mut maybe = |name, value: Value, dice: &mut Dice| {
                record.push((name, if dice.roll(4) == 0 { Value::Null } else { value }));
            };
            let city = text(dice.pick(CITIES));
            maybe("city", city, dice);
            let score = Value::Int(dice.roll(5) as i64 - 2);
            maybe("score", score, dice);
            let base = dice.roll(3) as i64 * 10_000;
            maybe("spent", Value::Money(Money { amount: 1, currency: *b"EUR", base }), dice);
            let vip = Value::Bool(dice.roll(2) == 0);
            maybe("vip", vip, dice);
            let tier = text(dice.pick(&["gold", "silver", "bronze"]));
            maybe("tier", tier, dice);
            record
        })
        .collect()
}

/// The order as the contract tells it: nulls lowest, texts by fold, selects by option, ids last.
fn compare(ctx: &Ctx, a: &(RecordId, Vec<Value>), b: &(RecordId, Vec<Value>), order: &[Order]) -> Ordering {
    let key = |order: &Order, value: &Value| -> (u8, i64, String) {
        let field = ctx.catalog.field(order.field).unwrap();
        let place = field.options().iter().position(|option| *value == text(&option.value));
        match (&field.kind, value) {
            (_, Value::Null) => (0, 0, String::new()),
            (FieldKind::Select { .. }, _) => (1, place.unwrap() as i64, String::new()),
            (_, Value::Int(number)) => (1, *number, String::new()),
            (_, Value::Bool(value)) => (1, i64::from(*value), String::new()),
            (_, Value::Money(money)) => (1, money.base, String::new()),
            (_, value) => (1, 0, values::key(field, value).unwrap()),
        }
    };
    for (i, by) in order.iter().enumerate() {
        let found = key(by, &a.1[i]).cmp(&key(by, &b.1[i]));
        if found != Ordering::Equal {
            return if by.descending { found.reverse() } else { found };
        }
    }
    let found = a.0.cmp(&b.0);
    if order.last().is_some_and(|last| last.descending) { found.reverse() } else { found }
}

/// Every page from one end to the other, put together.
async fn walk(ctx: &Ctx, query: &ListQuery, limit: u32, backwards: bool) -> Vec<RecordId> {
    let mut query = query.clone();
    query.page.limit = limit;
    query.page.backwards = backwards;
    let mut all = Vec::new();
    loop {
        let page = list(ctx, &query).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        let more = if backwards { page.has_previous } else { page.has_next };
        assert_eq!(if backwards { page.has_next } else { page.has_previous }, query.page.cursor.is_some());
        let mut found = ids(&page);
        if backwards {
            query.page.cursor = Some(page.cursor(0));
            found.reverse();
        } else {
            query.page.cursor = Some(page.cursor(page.rows.len().wrapping_sub(1)));
        }
        all.extend(found);
        if !more {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_walked_in_any_order_and_direction_are_the_sorted_whole() {
    let ctx = fixture::ctx().await;
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let created = insert(&ctx, "customer", &customers(150, &mut dice)).await;
    for round in 0..40 {
        let mut query = query(1);
        for _ in 0..dice.roll(4) {
            let name = dice.pick(&["city", "score", "spent", "vip", "tier", "createdAt"]);
            let by = order(&ctx, "customer", name, dice.roll(2) == 0);
            if query.order.iter().all(|known| known.field != by.field) {
                query.order.push(by);
            }
        }
        query.select = query.order.iter().map(|order| order.field).collect();
        let whole = list(&ctx, &query).await.unwrap();
        let mut expected: Vec<_> = whole.rows.iter().map(|row| (row.id, row.cells.clone())).collect();
        assert_eq!(expected.len(), created.len());
        expected.sort_by(|a, b| compare(&ctx, a, b, &query.order));
        let expected: Vec<RecordId> = expected.into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids(&whole), expected, "round {round}: {:?}", query.order);

        let limit = dice.pick(&[1, 7, 50, 149, 150]);
        assert_eq!(walk(&ctx, &query, limit, false).await, expected, "round {round} by {limit}: {:?}", query.order);
        let mut backwards = walk(&ctx, &query, limit, true).await;
        backwards.reverse();
        assert_eq!(backwards, expected, "round {round} back by {limit}: {:?}", query.order);
    }
}

#[tokio::test]
async fn every_kind_comes_back_as_it_was() {
    let ctx = fixture::ctx().await;
    let vehicle = insert(&ctx, "vehicle", &[vec![("plate", text("1"))]]).await[0];
    let record = vec![
        ("name", text("Zoé")),
        ("city", text("Alger ")),
        ("score", Value::Int(i64::MIN)),
        ("spent", Value::Money(Money { amount: 5, currency: *b"EUR", base: 730 })),
        ("vip", Value::Bool(false)),
        ("tier", text("gold")),
        ("tags", Value::List(vec!["a \"b\"".to_owned(), "é".to_owned()])),
        ("phone", text("+213550123456")),
        ("email", text("a@b.dz")),
        ("birth", Value::Int(-1)),
        ("seen", Value::Int(1)),
        ("notes", text("…\n")),
        ("ratio", Value::Int(250)),
        ("extra", text("{\"a\":1}")),
    ];
    let created = insert(&ctx, "customer", &[record.clone(), Vec::new()]).await;
    let mut query = query(1);
    query.select = record.iter().map(|(name, _)| field(&ctx, "customer", name)).collect();
    query.select.push(field(&ctx, "customer", "id"));
    query.total = true;
    let listing = list(&ctx, &query).await.unwrap();
    let mut expected: Vec<Value> = record.into_iter().map(|(_, value)| value).collect();
    expected.push(Value::Id(created[0].0));
    assert_eq!(listing.rows[0].cells, expected);
    assert!(listing.rows[1].cells[..14].iter().all(|cell| *cell == Value::Null));
    assert_eq!((listing.total, listing.has_next, listing.has_previous), (Some(2), false, false));

    let found = by_ids(&ctx, query.object, &query.select, &[created[0], vehicle], Archived::Exclude).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[&created[0]].cells, expected);
}

#[tokio::test]
async fn archived_records_are_seen_where_asked_for() {
    let ctx = fixture::ctx().await;
    let created = insert(&ctx, "customer", &[vec![], vec![("archivedAt", Value::Int(1))]]).await;
    let mut query = query(1);
    query.total = true;
    for (archived, expected) in
        [(Archived::Exclude, &created[..1]), (Archived::Include, &created[..]), (Archived::Only, &created[1..])]
    {
        query.archived = archived;
        let listing = list(&ctx, &query).await.unwrap();
        assert_eq!((ids(&listing), listing.total), (expected.to_vec(), Some(expected.len() as i64)));
        let found = by_ids(&ctx, query.object, &[], &created, archived).await.unwrap();
        assert_eq!(found.len(), expected.len());
    }
}

#[tokio::test]
async fn cursors_of_another_list_and_odd_pages_are_refused() {
    let ctx = fixture::ctx().await;
    insert(&ctx, "customer", &[vec![("score", Value::Int(1))], vec![("score", Value::Int(2))]]).await;
    let mut query = query(1);
    query.order = vec![order(&ctx, "customer", "score", false)];
    let listing = list(&ctx, &query).await.unwrap();
    query.page.cursor = Some(listing.cursor(0));
    assert_eq!(list(&ctx, &query).await.unwrap().rows.len(), 1);
    query.order[0].descending = true;
    assert_eq!(list(&ctx, &query).await.unwrap_err().code(), Code::BadCursor);
    query.page.cursor = None;
    for limit in [0, 201] {
        query.page.limit = limit;
        assert_eq!(list(&ctx, &query).await.unwrap_err().code(), Code::BadRequest);
    }
    query.page.limit = 1;
    for name in ["notes", "extra", "tags", "vehicles", "groups"] {
        query.order = vec![order(&ctx, "customer", name, false)];
        let error = list(&ctx, &query).await.unwrap_err();
        assert_eq!(error.code(), Code::BadRequest);
        assert!(error.message().contains(name));
    }
}

#[tokio::test]
async fn a_catalog_that_changed_is_noticed_even_where_nothing_is_found() {
    let ctx = fixture::ctx().await;
    let bump = ctx.db.statement(r#"UPDATE "tenant"."clock" SET catalog_version = catalog_version + 1"#, Vec::new());
    sea_orm::ConnectionTrait::execute_raw(&ctx.db, bump).await.unwrap();
    assert_eq!(list(&ctx, &query(1)).await.unwrap_err().code(), Code::StaleCatalog);
    insert(&ctx, "customer", &[vec![]]).await;
    assert_eq!(list(&ctx, &query(1)).await.unwrap_err().code(), Code::StaleCatalog);
    let score = ctx.catalog.object("customer").unwrap().field("score").unwrap();
    let index = ddl::field_index(ctx.db.dialect(), "o1", score).unwrap().drop();
    for statement in [index].into_iter().chain(ddl::drop_columns(ctx.db.dialect(), "o1", score)) {
        sea_orm::ConnectionTrait::execute_unprepared(&ctx.db, &statement).await.unwrap();
    }
    let mut gone = query(1);
    gone.select = vec![field(&ctx, "customer", "score")];
    assert_eq!(list(&ctx, &gone).await.unwrap_err().code(), Code::StaleCatalog);
    let by_month = AggregateQuery {
        object: gone.object,
        filter: None,
        archived: Archived::Exclude,
        group_by: vec![GroupKey { field: field(&ctx, "customer", "seen"), bucket: Bucket::Month }],
        measures: vec![Measure { function: RollupFunction::Sum, field: Some(gone.select[0]) }],
        order: Vec::new(),
        limit: 1,
    };
    assert_eq!(aggregate(&ctx, &by_month).await.unwrap_err().code(), Code::StaleCatalog);
}

#[tokio::test]
async fn texts_sort_by_their_fold_on_both_databases() {
    let ctx = fixture::ctx().await;
    let names = ["zoe", "Émile", "emile a", "Zoë b", "Ærø", "abc", "日本", "ß", "st"];
    let records: Vec<_> = names.iter().map(|name| vec![("name", text(name))]).collect();
    insert(&ctx, "customer", &records).await;
    let mut query = query(1);
    query.select = vec![field(&ctx, "customer", "name")];
    query.order = vec![order(&ctx, "customer", "name", false)];
    let expected = ["abc", "Ærø", "Émile", "emile a", "ß", "st", "zoe", "Zoë b", "日本"].map(text);
    assert_eq!(firsts(&list(&ctx, &query).await.unwrap()), expected);
}
