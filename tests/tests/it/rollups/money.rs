//! Rollups of money are money, in the organisation's own currency.

use serde_json::{Value, json};
use tests::{Tenant, TestApp};

use super::{objects, rollup, sum};

/// Sales have a price: 10 dollars and 20 euros of Ada, 5 dollars of Bea; a euro is worth 1.10 dollars.
async fn priced(tenant: &Tenant) -> String {
    objects(tenant).await;
    tenant.field(json!({ "object": "sale", "name": "price", "type": "MONEY" })).await;
    tenant.data("mutation { setExchangeRate(currency: \"EUR\", rate: \"1.1\") { rate } }", json!({})).await;
    let town = tenant.create("town", json!({ "name": "Aire" })).await;
    let ada = tenant.create("customer", json!({ "name": "Ada", "town": town })).await;
    let bea = tenant.create("customer", json!({ "name": "Bea", "town": town })).await;
    let buy = async |customer: &str, amount: &str, currency: &str| {
        let price = json!({ "amount": amount, "currency": currency });
        tenant.create("sale", json!({ "name": "P", "price": price, "customer": customer })).await
    };
    buy(&ada, "10", "USD").await;
    buy(&bea, "5", "USD").await;
    buy(&ada, "20", "EUR").await
}

#[tokio::test]
async fn amounts_in_several_currencies_roll_up_to_our_own() {
    let app = TestApp::start().await;
    let tenant = app.tenant_with("acme", &["--country", "US", "--currency", "USD"]);
    let in_euros = priced(&tenant).await;
    for (name, function) in [("paid", "SUM"), ("least", "MIN"), ("most", "MAX"), ("mean", "AVG")] {
        let definition = json!({ "relation": "sales", "function": function, "field": "price" });
        let made = rollup(&tenant, "customer", name, definition).await.data();
        assert_eq!(made["createField"]["type"], "ROLLUP");
    }
    rollup(&tenant, "town", "paid", sum("customers", "paid")).await.data();
    let dollars = |amount: &str| json!({ "amount": amount, "currency": "USD", "base": amount });
    let query = "{ customers(orderBy: [{ name: ASC }], first: 1) { nodes {
        paid { ...all } least { ...all } most { ...all } mean { ...all } } } towns { nodes { paid { ...all } } } }
        fragment all on Money { amount currency base }";
    let expected = json!({
        "customers": { "nodes": [
            { "paid": dollars("32.0000"), "least": dollars("10.0000"), "most": dollars("22.0000"), "mean": dollars("16.0000") }
        ] },
        "towns": { "nodes": [{ "paid": dollars("37.0000") }] },
    });
    assert_eq!(decimals(tenant.data(query, json!({})).await), decimals(expected));

    // Another price takes the rate of today; what was written before keeps its worth.
    tenant.data("mutation { setExchangeRate(currency: \"EUR\", rate: \"2\") { rate } }", json!({})).await;
    let paid = "{ towns { nodes { paid { amount currency } } } }";
    let of_town = async |amount: &str| {
        let expected = json!({ "towns": { "nodes": [{ "paid": { "amount": amount, "currency": "USD" } }] } });
        assert_eq!(decimals(tenant.data(paid, json!({})).await), decimals(expected));
    };
    of_town("37").await;
    let price = json!({ "price": { "amount": "21", "currency": "EUR" } });
    tenant.api_key.update("sale", &in_euros, price).await.data();
    of_town("57").await;
}

#[tokio::test]
async fn records_are_found_sorted_and_added_up_by_rollups_of_money() {
    let app = TestApp::start().await;
    let tenant = app.tenant_with("acme", &["--country", "US", "--currency", "USD"]);
    priced(&tenant).await;
    rollup(&tenant, "customer", "paid", sum("sales", "price")).await.data();
    let query = "{ customers(orderBy: [{ paid: DESC }]) { nodes { name } }
        rich: customers(filter: { paid: { gt: \"5\" } }) { nodes { name } }
        customersAggregate { sum { paid } max { paid } } }";
    let expected = json!({
        "customers": { "nodes": [{ "name": "Ada" }, { "name": "Bea" }] },
        "rich": { "nodes": [{ "name": "Ada" }] },
        "customersAggregate": { "sum": { "paid": "37.0000" }, "max": { "paid": "32.0000" } },
    });
    assert_eq!(decimals(tenant.data(query, json!({})).await), decimals(expected));
}

/// The same with numbers written alike: `12.5` for `12.5000`.
fn decimals(value: Value) -> Value {
    match value {
        Value::Array(all) => all.into_iter().map(decimals).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, decimals(value))).collect(),
        Value::String(text) if text.contains('.') && text.parse::<f64>().is_ok() => {
            json!(text.trim_end_matches('0').trim_end_matches('.'))
        }
        other => other,
    }
}
