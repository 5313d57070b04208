//! Rollups hold at every moment, whatever is written below them, and however.

use std::fmt::Write;

use serde_json::{Value, json};
use tests::{Tenant, TestApp};

use super::{Scene, objects, rollup, scene, spent, sum, totals};

async fn lived_in(app: &TestApp) -> (Tenant, Scene) {
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    let scene = scene(&tenant).await;
    (tenant, scene)
}

const BEFORE: &str =
    "North 12.00, South 30.00; Aire 12.00 best 7.00, Brest 30.00 best 30.00; Ada 5.00, Bea 7.00, Cal 30.00";

#[tokio::test]
async fn a_change_at_the_bottom_is_seen_at_the_top() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    assert_eq!(totals(&tenant).await, BEFORE);
    for (object, id, data, after) in [
        (
            "sale",
            &scene.of_ada,
            json!({ "amount": "9" }),
            "North 16.00, South 30.00; Aire 16.00 best 9.00, Brest 30.00 best 30.00; Ada 9.00, Bea 7.00, Cal 30.00",
        ),
        (
            "sale",
            &scene.of_ada,
            json!({ "customer": scene.cal }),
            "North 7.00, South 39.00; Aire 7.00 best 7.00, Brest 39.00 best 39.00; Ada 0.00, Bea 7.00, Cal 39.00",
        ),
        (
            "customer",
            &scene.bea,
            json!({ "town": scene.brest }),
            "North 0.00, South 46.00; Aire 0.00 best 0.00, Brest 46.00 best 39.00; Ada 0.00, Bea 7.00, Cal 39.00",
        ),
        (
            "town",
            &scene.brest,
            json!({ "land": scene.north }),
            "North 46.00, South 0.00; Aire 0.00 best 0.00, Brest 46.00 best 39.00; Ada 0.00, Bea 7.00, Cal 39.00",
        ),
        (
            "town",
            &scene.brest,
            json!({ "land": null }),
            "North 0.00, South 0.00; Aire 0.00 best 0.00, Brest 46.00 best 39.00; Ada 0.00, Bea 7.00, Cal 39.00",
        ),
    ] {
        tenant.api_key.update(object, id, data.clone()).await.data();
        assert_eq!(totals(&tenant).await, after, "{object} {data}");
    }
}

#[tokio::test]
async fn what_is_archived_does_not_count_and_comes_back() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let without_bea = "North 5.00, South 30.00; Aire 5.00 best 5.00, Brest 30.00 best 30.00; Ada 5.00, Cal 30.00";
    for (verb, object, id, after) in [
        (
            "delete",
            "sale",
            &scene.of_bea,
            "North 5.00, South 30.00; Aire 5.00 best 5.00, Brest 30.00 best 30.00; Ada 5.00, Bea 0.00, Cal 30.00",
        ),
        ("restore", "sale", &scene.of_bea, BEFORE),
        ("delete", "customer", &scene.bea, without_bea),
        ("restore", "customer", &scene.bea, BEFORE),
        (
            "delete",
            "town",
            &scene.brest,
            "North 12.00, South 0.00; Aire 12.00 best 7.00; Ada 5.00, Bea 7.00, Cal 30.00",
        ),
        ("restore", "town", &scene.brest, BEFORE),
        // Her sales go with her.
        ("destroy", "customer", &scene.bea, without_bea),
        (
            "destroy",
            "sale",
            &scene.of_cal,
            "North 5.00, South 0.00; Aire 5.00 best 5.00, Brest 0.00 best 0.00; Ada 5.00, Cal 0.00",
        ),
    ] {
        tenant.api_key.act(verb, object, id).await.data();
        assert_eq!(totals(&tenant).await, after, "{verb} {object}");
    }
}

#[tokio::test]
async fn what_changes_while_archived_counts_when_it_is_back() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    tenant.api_key.act("delete", "customer", &scene.bea).await.data();
    tenant.api_key.update("sale", &scene.of_bea, json!({ "amount": "70" })).await.data();
    tenant.api_key.act("restore", "customer", &scene.bea).await.data();
    let after =
        "North 75.00, South 30.00; Aire 75.00 best 70.00, Brest 30.00 best 30.00; Ada 5.00, Bea 70.00, Cal 30.00";
    assert_eq!(totals(&tenant).await, after);
}

#[tokio::test]
async fn a_change_by_filter_is_taken_back_with_all_above_it() {
    let app = TestApp::start().await;
    let (tenant, _) = lived_in(&app).await;
    let query = "mutation { updateSales(filter: { amount: { lt: \"10\" } }, data: { amount: \"100\" }) {
        runId matched changed } }";
    let done = tenant.data(query, json!({})).await["updateSales"].clone();
    assert_eq!((&done["matched"], &done["changed"]), (&json!(2), &json!(2)));
    let after =
        "North 200.00, South 30.00; Aire 200.00 best 100.00, Brest 30.00 best 30.00; Ada 100.00, Bea 100.00, Cal 30.00";
    assert_eq!(totals(&tenant).await, after);
    undo(&tenant, &done["runId"], 2).await;
    assert_eq!(totals(&tenant).await, BEFORE);
}

#[tokio::test]
async fn an_import_and_runs_over_many_records_keep_all_levels() {
    let app = TestApp::start().await;
    let (tenant, _) = lived_in(&app).await;
    let mut csv = "name,amount,customer\n".to_owned();
    for row in 0..1_200 {
        writeln!(csv, "Many,1,{}", ["Ada", "Bea", "Cal"][row % 3]).expect("memory");
    }
    let (_, imported) = tenant.api_key.import("sale", &csv).await;
    assert_eq!((&imported["status"], &imported["changed"]), (&json!("DONE"), &json!(1_200)), "{imported}");
    let after = "North 812.00, South 430.00; Aire 812.00 best 407.00, Brest 430.00 best 430.00; Ada 405.00, Bea 407.00, Cal 430.00";
    assert_eq!(totals(&tenant).await, after);

    let double = "mutation { updateSales(filter: { name: { eq: \"many\" } }, data: { amount: \"2\" }) { runId } }";
    let run = tenant.data(double, json!({})).await["updateSales"]["runId"].clone();
    assert_eq!(tenant.api_key.ended(&run).await["changed"], 1_200);
    let doubled = "North 1612.00, South 830.00; Aire 1612.00 best 807.00, Brest 830.00 best 830.00; Ada 805.00, Bea 807.00, Cal 830.00";
    assert_eq!(totals(&tenant).await, doubled);

    let archive = "mutation { deleteSales(filter: { name: { eq: \"many\" } }) { runId } }";
    let archived = tenant.data(archive, json!({})).await["deleteSales"]["runId"].clone();
    assert_eq!(tenant.api_key.ended(&archived).await["changed"], 1_200);
    assert_eq!(totals(&tenant).await, BEFORE);
    undo(&tenant, &archived, 1_200).await;
    assert_eq!(totals(&tenant).await, doubled);
}

#[tokio::test]
async fn records_are_found_and_sorted_by_rollups_over_rollups() {
    let app = TestApp::start().await;
    let (tenant, _) = lived_in(&app).await;
    for (query, plural, found) in [
        (
            "{ lands(filter: { spent: { gte: \"12\" } }, orderBy: [{ spent: DESC }]) { nodes { name } } }",
            "lands",
            json!([{ "name": "South" }, { "name": "North" }]),
        ),
        (
            "{ lands(filter: { towns: { some: { best: { lt: \"10\" } } } }) { nodes { name } } }",
            "lands",
            json!([{ "name": "North" }]),
        ),
        (
            "{ customers(filter: { town: { land: { spent: { gt: \"20\" } } } }) { nodes { name } } }",
            "customers",
            json!([{ "name": "Cal" }]),
        ),
    ] {
        assert_eq!(tenant.data(query, json!({})).await[plural]["nodes"], found, "{query}");
    }
    let sums = "{ townsAggregate { sum { spent } max { best } } }";
    let expected = json!({ "sum": { "spent": "42.00" }, "max": { "best": "30.00" } });
    assert_eq!(tenant.data(sums, json!({})).await["townsAggregate"], expected);
}

#[tokio::test]
async fn a_filter_of_a_rollup_may_look_at_rollups() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    let good = json!({ "relation": "customers", "function": "COUNT", "filter": { "spent": { "gte": "7" } } });
    rollup(&tenant, "town", "good", good).await.data();
    let mean =
        json!({ "relation": "customers", "function": "AVG", "field": "spent", "filter": { "spent": { "gt": "0" } } });
    rollup(&tenant, "town", "mean", mean).await.data();
    let read = async || {
        let query = "{ towns(orderBy: [{ name: ASC }]) { nodes { good mean } } }";
        tenant.data(query, json!({})).await["towns"]["nodes"].clone()
    };
    assert_eq!(read().await, json!([{ "good": 1, "mean": "6.00" }, { "good": 1, "mean": "30.00" }]));
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "7.50" })).await.data();
    // 14.50 / 2
    assert_eq!(read().await, json!([{ "good": 2, "mean": "7.25" }, { "good": 1, "mean": "30.00" }]));
    tenant.api_key.update("sale", &scene.of_bea, json!({ "amount": "6.99" })).await.data();
    // 14.49 / 2 = 7.245, half to even
    assert_eq!(read().await, json!([{ "good": 1, "mean": "7.24" }, { "good": 1, "mean": "30.00" }]));
    tenant.api_key.update("customer", &scene.ada, json!({ "town": scene.brest })).await.data();
    // 37.50 / 2
    assert_eq!(read().await, json!([{ "good": 0, "mean": "6.99" }, { "good": 2, "mean": "18.75" }]));
}

#[tokio::test]
async fn customers_add_up_what_their_people_spent() {
    let app = TestApp::start().await;
    let (tenant, scene) = lived_in(&app).await;
    rollup(&tenant, "customer", "below", sum("people", "spent")).await.data();
    rollup(&tenant, "customer", "furtherBelow", sum("people", "below")).await.data();
    tenant.api_key.update("customer", &scene.bea, json!({ "organisation": scene.cal })).await.data();
    tenant.api_key.update("customer", &scene.ada, json!({ "organisation": scene.bea })).await.data();
    let read = async || {
        let query = "{ customers(orderBy: [{ name: ASC }]) { nodes { below furtherBelow } } }";
        tenant.data(query, json!({})).await["customers"]["nodes"].clone()
    };
    let row = |below: &str, further: &str| json!({ "below": below, "furtherBelow": further });
    assert_eq!(read().await, json!([row("0.00", "0.00"), row("5.00", "0.00"), row("7.00", "5.00")]));
    tenant.api_key.update("sale", &scene.of_ada, json!({ "amount": "6" })).await.data();
    assert_eq!(read().await, json!([row("0.00", "0.00"), row("6.00", "0.00"), row("7.00", "6.00")]));
}

async fn undo(tenant: &Tenant, run: &Value, count: u64) {
    let ended = tenant.api_key.undo(run).await;
    assert_eq!((&ended["status"], &ended["changed"], &ended["failed"]), (&json!("DONE"), &json!(count), &json!(0)));
}
