//! Walks over records, batch by batch.

use tenants::Operation;

use super::field;
use crate::{
    engine::iterate::Walk,
    filter::{Filter, Test},
    fixture::{self, insert, object_id, text},
    values::Value,
};

#[tokio::test]
async fn every_record_comes_once_in_the_order_of_ids() {
    let ctx = fixture::ctx().await;
    let rows: Vec<_> = (0..25)
        .map(|n| {
            let archived = if n % 5 == 4 { Value::Int(1) } else { Value::Null };
            vec![
                ("city", text(if n % 2 == 0 { "Oran" } else { "Alger" })),
                ("score", Value::Int(n)),
                ("archivedAt", archived),
            ]
        })
        .collect();
    let ids = insert(&ctx, "customer", &rows).await;
    let filter = Filter::Field { field: field(&ctx, "customer", "city"), test: Test::Eq(text("oran")) };
    let select = [field(&ctx, "customer", "score")];
    let walk = Walk {
        object: object_id(1),
        filter: &filter,
        select: &select,
        operation: Operation::Read,
        began: ctx.caller.clock.micros(),
    };
    let mut expected: Vec<_> =
        (0..25).filter(|n| n % 2 == 0 && n % 5 != 4).map(|n| (ids[n as usize], Value::Int(n))).collect();
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(walk.count(&ctx).await.unwrap(), expected.len() as i64);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let batch = walk.batch(&ctx, after, 3).await.unwrap();
        assert!(batch.len() <= 3);
        let Some(last) = batch.last() else { break };
        after = Some(last.id);
        found.extend(batch.into_iter().map(|row| (row.id, row.cells[0].clone())));
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_created_later_is_no_part_of_it() {
    let ctx = fixture::ctx().await;
    let rows = [1, 2].map(|at| vec![("createdAt", Value::Int(at))]);
    let ids = insert(&ctx, "customer", &rows).await;
    let everything = Filter::And(Vec::new());
    let walk = Walk { object: object_id(1), filter: &everything, select: &[], operation: Operation::Read, began: 1 };
    let found = walk.batch(&ctx, None, 10).await.unwrap();
    assert_eq!(found.into_iter().map(|row| row.id).collect::<Vec<_>>(), ids[..1]);
}
