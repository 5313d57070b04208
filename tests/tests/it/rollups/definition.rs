//! Which rollups there can be: three deep at most, and none that needs itself.

use serde_json::json;
use tests::TestApp;

use super::{field_id, objects, redefine, rollup, spent, sum};
use crate::access::{self, all, hiding};

#[tokio::test]
async fn a_fourth_level_of_rollups_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    tenant.object("globe").await;
    tenant.belongs_to("land", "globe", "lands", "SET_NULL").await;
    let refused = rollup(&tenant, "globe", "spent", sum("lands", "spent")).await;
    assert_eq!(refused.complaints()[0].0, "rollup.field", "{}", refused.text);
    let filtered = json!({ "relation": "lands", "function": "COUNT", "filter": { "spent": { "gt": "0" } } });
    let refused = rollup(&tenant, "globe", "rich", filtered).await;
    assert_eq!(refused.complaints()[0].0, "rollup.filter", "a filter counts like a field: {}", refused.text);
    let plain = json!({ "relation": "lands", "function": "COUNT" });
    rollup(&tenant, "globe", "landsCount", plain).await.data();
}

#[tokio::test]
async fn what_lies_below_does_not_lift_what_lies_above_over_three() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    // One more below `town.spent` would make `land.spent` the fourth.
    rollup(&tenant, "customer", "peopleSpent", sum("people", "spent")).await.data();
    let town = field_id(&tenant, "town", "spent").await;
    let refused = redefine(&tenant, &town, sum("customers", "peopleSpent")).await;
    assert_eq!(refused.complaints()[0].0, "rollup.field", "{}", refused.text);
    let best = field_id(&tenant, "town", "best").await;
    redefine(&tenant, &best, sum("customers", "peopleSpent")).await.data();
}

#[tokio::test]
async fn no_rollup_needs_itself() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    rollup(&tenant, "customer", "spent", sum("sales", "amount")).await.data();
    // A customer has people, who are customers: the objects go in a circle, the fields do not.
    rollup(&tenant, "customer", "near", sum("people", "spent")).await.data();
    rollup(&tenant, "customer", "far", sum("people", "near")).await.data();
    let near = field_id(&tenant, "customer", "near").await;
    for (wrong, place) in [
        (sum("people", "near"), "rollup.field"),
        (sum("people", "far"), "rollup.field"),
        (json!({ "relation": "people", "function": "COUNT", "filter": { "far": { "gt": "0" } } }), "rollup.filter"),
        (
            json!({ "relation": "people", "function": "COUNT", "filter": { "not": { "near": { "isNull": true } } } }),
            "rollup.filter",
        ),
    ] {
        let refused = redefine(&tenant, &near, wrong).await;
        assert_eq!(refused.complaints()[0].0, place, "{}", refused.text);
    }
    let query = "{ customers { nodes { near far } } }";
    tenant.create("customer", json!({ "name": "Ada" })).await;
    assert_eq!(tenant.data(query, json!({})).await["customers"]["nodes"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_a_rollup_is_made_of_hides_all_above_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    tenant.create("land", json!({ "name": "North" })).await;
    access::role(&tenant, hiding("clerk", "sale", "amount", &[])).await;
    access::role(&tenant, json!({ "name": "chief", "others": all() })).await;
    let (clerk, chief) = (access::program(&app, &tenant, "clerk"), access::program(&app, &tenant, "chief"));
    for query in [
        "{ lands { nodes { spent } } }",
        "{ lands(filter: { spent: { gt: \"1\" } }) { totalCount } }",
        "{ lands(orderBy: [{ spent: ASC }]) { nodes { name } } }",
        "{ towns { nodes { best } } }",
    ] {
        assert_eq!(clerk.code(query, json!({})).await, "FORBIDDEN", "{query}");
        chief.data(query, json!({})).await;
    }
}

#[tokio::test]
async fn a_field_takes_along_all_rollups_that_are_made_of_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    objects(&tenant).await;
    spent(&tenant).await;
    let query = "mutation ($id: ID!, $preview: Boolean) { deleteField(id: $id, preview: $preview) { fields } }";
    for (object, name, expected) in [
        ("town", "best", json!([])),
        ("customer", "spent", json!(["land.spent", "town.best", "town.spent"])),
        ("sale", "amount", json!(["customer.spent", "land.spent", "town.best", "town.spent"])),
    ] {
        let id = field_id(&tenant, object, name).await;
        let preview = tenant.data(query, json!({ "id": id, "preview": true })).await;
        assert_eq!(preview["deleteField"]["fields"], expected, "{object}.{name}");
    }
    let id = field_id(&tenant, "customer", "spent").await;
    tenant.data(query, json!({ "id": id })).await;
    let fields = tenant.data("{ objects { fields { name } } }", json!({})).await.to_string();
    assert!(!fields.contains("\"spent\"") && !fields.contains("\"best\""), "{fields}");
    tenant.create("land", json!({ "name": "North" })).await;
}
