//! A foreign amount is accepted while its currency has a rate, and refused otherwise.

use super::*;
use crate::catalog::{exchange_rates, remove_exchange_rate, set_exchange_rate, spec::FieldSpec};

#[tokio::test]
async fn a_rate_counts_from_the_next_request_on() {
    let mut space = Space::new().await;
    crate::catalog::create_field(&space.ctx, "customer", FieldSpec::new("worth", FieldKind::Money)).await.unwrap();
    let amount = json!({ "amount": "2.50", "currency": "EUR" });

    let field = space.next().await.catalog.object("customer").unwrap().field("worth").unwrap().clone();
    let refused = values::from_json(&field, &amount, &space.ctx.locale()).unwrap_err();
    assert_eq!(refused.code(), "NO_EXCHANGE_RATE");

    set_exchange_rate(&space.ctx, "EUR", "145.2").await.unwrap();
    let locale = space.next().await.locale();
    let Ok(Value::Money(money)) = values::from_json(&field, &amount, &locale) else { panic!("money") };
    assert_eq!((money.amount, money.base), (25_000, 3_630_000));
    assert_eq!(exchange_rates(&space.ctx).await.unwrap()[0].1, "145.2");

    remove_exchange_rate(&space.ctx, "EUR").await.unwrap();
    assert!(values::from_json(&field, &amount, &space.next().await.locale()).is_err());
    assert_eq!(code(remove_exchange_rate(&space.ctx, "EUR").await), Code::NotFound);
}

#[tokio::test]
async fn a_rate_is_a_positive_decimal_for_another_currency() {
    let space = Space::new().await;
    for (currency, rate, field) in [("DZD", "1", "currency"), ("euro", "1", "currency"), ("EUR", "-1", "rate")] {
        let error = set_exchange_rate(&space.ctx, currency, rate).await.unwrap_err();
        assert_eq!(complaint(&error).0, field);
    }
}
