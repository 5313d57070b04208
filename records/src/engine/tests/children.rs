//! Related records: pages of each parent in one query.

use entities::ids::RecordId;
use tenants::Code;

use super::{field, ids, order, query};
use crate::{
    engine::{Page, children, list},
    filter::{Filter, Test},
    fixture::{self, Dice, insert, link, text},
    values::Value,
};

#[tokio::test]
async fn each_parent_has_its_own_page_total_and_cursor() {
    let ctx = fixture::ctx().await;
    let mut dice = Dice(0xabc_def0_1234);
    let parents = insert(&ctx, "customer", &vec![vec![]; 4]).await;
    let mut cars = Vec::new();
    for i in 0..60 {
        let plate = if dice.roll(5) == 0 { Value::Null } else { text(&format!("p{}", dice.roll(6))) };
        let archived = if i % 10 == 9 { Value::Int(1) } else { Value::Null };
        // the last parent has none
        cars.push(vec![("plate", plate), ("customer", Value::Id(parents[dice.roll(3)].0)), ("archivedAt", archived)]);
    }
    insert(&ctx, "vehicle", &cars).await;
    let relation = field(&ctx, "customer", "vehicles");
    let owner = field(&ctx, "vehicle", "customer");
    for descending in [false, true] {
        for backwards in [false, true] {
            let mut one = query(2);
            one.order = vec![order(&ctx, "vehicle", "plate", descending)];
            one.total = true;
            let mut many = one.clone();
            many.page = Page { limit: 4, backwards, cursor: None };
            let pages = children(&ctx, relation, &parents, &many).await.unwrap();
            assert_eq!(pages.len(), 4);
            for parent in &parents {
                one.filter = Some(Filter::Field { field: owner, test: Test::Eq(Value::Id(parent.0)) });
                let whole = list(&ctx, &one).await.unwrap();
                let page = &pages[parent];
                assert_eq!(page.total, whole.total);
                let mut found = Vec::new();
                let mut page = page.clone();
                loop {
                    let mut part = ids(&page);
                    if backwards {
                        part.reverse();
                    }
                    found.extend(part);
                    if !(if backwards { page.has_previous } else { page.has_next }) {
                        break;
                    }
                    let edge = if backwards { 0 } else { page.rows.len() - 1 };
                    let next = crate::engine::ListQuery {
                        page: Page { cursor: Some(page.cursor(edge)), ..many.page.clone() },
                        ..many.clone()
                    };
                    page = children(&ctx, relation, &[*parent], &next).await.unwrap().remove(parent).unwrap();
                }
                if backwards {
                    found.reverse();
                }
                assert_eq!(found, ids(&whole));
            }
        }
    }
}

#[tokio::test]
async fn links_are_read_from_both_sides() {
    let ctx = fixture::ctx().await;
    let people = insert(&ctx, "customer", &vec![vec![]; 3]).await;
    let groups = insert(&ctx, "group", &[vec![("name", text("b"))], vec![("name", text("a"))]]).await;
    link(&ctx, &[(people[0], groups[0]), (people[0], groups[1]), (people[1], groups[1])]).await;
    let mut of_people = query(3);
    of_people.order = vec![order(&ctx, "group", "name", false)];
    of_people.total = true;
    let found = children(&ctx, field(&ctx, "customer", "groups"), &people, &of_people).await.unwrap();
    let listed = |parent: &RecordId| (ids(&found[parent]), found[parent].total.unwrap());
    assert_eq!(listed(&people[0]), (vec![groups[1], groups[0]], 2));
    assert_eq!(listed(&people[1]), (vec![groups[1]], 1));
    assert_eq!(listed(&people[2]), (vec![], 0));
    let found = children(&ctx, field(&ctx, "group", "customers"), &groups, &query(1)).await.unwrap();
    assert_eq!(ids(&found[&groups[1]]), [people[0], people[1]]);
}

#[tokio::test]
async fn a_cursor_stays_with_its_relation() {
    let ctx = fixture::ctx().await;
    let parent = insert(&ctx, "customer", &[vec![]]).await[0];
    insert(&ctx, "vehicle", &vec![vec![("customer", Value::Id(parent.0))]; 2]).await;
    let mut query = query(2);
    let listing = list(&ctx, &query).await.unwrap();
    query.page.cursor = Some(listing.cursor(0));
    let relation = field(&ctx, "customer", "vehicles");
    assert_eq!(children(&ctx, relation, &[parent], &query).await.unwrap_err().code(), Code::BadCursor);
}
