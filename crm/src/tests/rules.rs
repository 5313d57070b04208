//! Customers and their contact points, written through the engine.

use entities::ids::RecordId;
use records::{
    Ctx,
    engine::{self, Archived, Change, Draft, ListQuery, Mutation, Page},
    values::{Value, email, phone},
};

use sea_orm::ConnectionTrait;

use super::ctx;

/// A draft by field names; emails and phones as typed.
pub(super) fn draft(ctx: &Ctx, object: &str, values: &[(&str, Value)]) -> Draft {
    let object = ctx.catalog.object(object).unwrap();
    let mut draft = Draft::default();
    for (name, value) in values {
        let value = match (*name, value) {
            ("email", Value::Text(text)) => Value::Contact(email::parse(text).unwrap()),
            ("phone", Value::Text(text)) => Value::Contact(phone::parse(text, "DZ")),
            _ => value.clone(),
        };
        draft.set(object.field(name).unwrap().id, value);
    }
    draft
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn create(ctx: &Ctx, object: &str, values: &[(&str, Value)]) -> RecordId {
    let id = ctx.catalog.object(object).unwrap().id;
    engine::create(ctx, id, vec![draft(ctx, object, values)], &[]).await.unwrap()[0].id
}

async fn update(ctx: &Ctx, object: &str, id: RecordId, values: &[(&str, Value)]) {
    let of = ctx.catalog.object(object).unwrap().id;
    engine::update(ctx, of, id, draft(ctx, object, values), None).await.unwrap();
}

/// All records of an object: the named fields, as text.
pub(super) async fn rows(ctx: &Ctx, object: &str, fields: &[&str]) -> Vec<(RecordId, Vec<String>)> {
    let object = ctx.catalog.object(object).unwrap();
    let select: Vec<_> = fields.iter().map(|name| object.field(name).unwrap()).collect();
    let mut all = Vec::new();
    let mut page = Page { limit: 200, backwards: false, cursor: None };
    loop {
        let query = ListQuery {
            object: object.id,
            select: select.iter().map(|field| field.id).collect(),
            filter: None,
            order: Vec::new(),
            page: page.clone(),
            archived: Archived::Exclude,
            total: false,
        };
        let listing = engine::list(ctx, &query).await.unwrap();
        for row in &listing.rows {
            let shown = |(index, value): (usize, &Value)| records::values::to_text(select[index], value);
            all.push((row.id, row.cells.iter().enumerate().map(shown).collect()));
        }
        if !listing.has_next {
            return all;
        }
        page.cursor = Some(listing.cursor(listing.rows.len() - 1));
    }
}

async fn points(ctx: &Ctx) -> Vec<(String, String, bool)> {
    let mut points: Vec<_> = rows(ctx, "contactPoint", &["kind", "value", "primary"])
        .await
        .into_iter()
        .map(|(_, cells)| (cells[0].clone(), cells[1].clone(), cells[2] == "true"))
        .collect();
    points.sort();
    points
}

fn point(kind: &str, value: &str, primary: bool) -> (String, String, bool) {
    (kind.to_owned(), value.to_owned(), primary)
}

#[tokio::test]
async fn points_are_written_with_their_customer() {
    let ctx = ctx().await;
    let values = [("firstName", text("Zo\u{eb}")), ("email", text("Zoe@X.org")), ("phone", text("021 23 45 67"))];
    let id = create(&ctx, "customer", &values).await;
    assert_eq!(points(&ctx).await, [point("email", "Zoe@X.org", true), point("phone", "021 23 45 67", true)]);
    let shown = rows(&ctx, "customer", &["name", "number", "kind", "status", "email", "phone"]).await;
    assert_eq!(shown[0].1, ["Zo\u{eb}", "C-000001", "person", "active", "zoe@x.org", "+21321234567"]);
    update(&ctx, "customer", id, &[("email", text("z@y.org"))]).await;
    assert_eq!(points(&ctx).await[0], point("email", "z@y.org", true));
    update(&ctx, "customer", id, &[("email", Value::Null)]).await;
    assert_eq!(points(&ctx).await, [point("phone", "021 23 45 67", true)]);
}

#[tokio::test]
async fn a_primary_point_shows_on_its_customer() {
    let ctx = ctx().await;
    let id = create(&ctx, "customer", &[("lastName", text("Roy")), ("email", text("a@x.org"))]).await;
    let second = [
        ("customer", Value::Id(id.0)),
        ("kind", text("email")),
        ("value", text("B@x.org")),
        ("primary", Value::Bool(true)),
    ];
    let second = create(&ctx, "contactPoint", &second).await;
    assert_eq!(rows(&ctx, "customer", &["email"]).await[0].1, ["b@x.org"]);
    assert_eq!(points(&ctx).await, [point("email", "B@x.org", true), point("email", "a@x.org", false)]);
    update(&ctx, "contactPoint", second, &[("value", text("c@x.org"))]).await;
    assert_eq!(rows(&ctx, "customer", &["email"]).await[0].1, ["c@x.org"]);
    update(&ctx, "contactPoint", second, &[("primary", Value::Bool(false))]).await;
    assert_eq!(rows(&ctx, "customer", &["email"]).await[0].1, [""]);
    update(&ctx, "customer", id, &[("email", text("a@x.org"))]).await;
    assert_eq!(points(&ctx).await, [point("email", "a@x.org", true), point("email", "c@x.org", false)]);
    let points_id = ctx.catalog.object("contactPoint").unwrap().id;
    let first = rows(&ctx, "contactPoint", &["primary"]).await.into_iter().find(|(_, cells)| cells[0] == "true");
    engine::archive(&ctx, points_id, first.unwrap().0).await.unwrap();
    assert_eq!(rows(&ctx, "customer", &["email"]).await[0].1, [""]);
}

#[tokio::test]
async fn interactions_count_on_their_customer() {
    let ctx = ctx().await;
    let id = create(&ctx, "customer", &[("companyName", text("Acme"))]).await;
    for kind in ["note", "call"] {
        create(&ctx, "interaction", &[("customer", Value::Id(id.0)), ("kind", text(kind))]).await;
    }
    let shown = rows(&ctx, "customer", &["kind", "interactionsCount", "lastInteractionAt"]).await;
    assert_eq!(shown[0].1[..2], ["company", "2"]);
    assert!(shown[0].1[2].starts_with("2026-03-14"), "{}", shown[0].1[2]);
    assert_eq!(rows(&ctx, "interaction", &["name"]).await[1].1, ["call"]);
}

#[tokio::test]
async fn a_customer_needs_something_to_be_called_by() {
    let ctx = ctx().await;
    let object = ctx.catalog.object("customer").unwrap().id;
    let nameless = draft(&ctx, "customer", &[("city", text("Oran"))]);
    let error = engine::create(&ctx, object, vec![nameless], &[]).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "name");
}

#[tokio::test]
async fn nothing_of_a_destroyed_customer_is_left_in_the_history() {
    let ctx = ctx().await;
    let values = [("lastName", text("Zenobia")), ("email", text("z@quartermaine.org")), ("phone", text("0550998877"))];
    let id = create(&ctx, "customer", &values).await;
    let other = create(&ctx, "customer", &[("lastName", text("Roy")), ("organisation", Value::Id(id.0))]).await;
    update(&ctx, "customer", other, &[("city", text("Oran"))]).await;
    update(&ctx, "customer", id, &[("email", text("x@tamanrasset.org")), ("city", text("Djanet"))]).await;
    update(&ctx, "customer", id, &[("email", Value::Null), ("phone", text("021234567"))]).await;
    let note = [("customer", Value::Id(id.0)), ("kind", text("note")), ("subject", text("Quinine"))];
    let note = create(&ctx, "interaction", &note).await;
    update(&ctx, "interaction", note, &[("subject", text("Belladonna"))]).await;
    engine::destroy(&ctx, ctx.catalog.object("customer").unwrap().id, id).await.unwrap();

    let sql = r#"SELECT "diff" FROM "tenant"."changes" WHERE "diff" IS NOT NULL"#;
    let mut left = String::new();
    for row in ctx.db.query_all_raw(ctx.db.statement(sql, Vec::new())).await.unwrap() {
        left += &row.try_get_by_index::<String>(0).unwrap().to_lowercase();
    }
    assert!(left.contains("oran"), "others keep their history: {left}");
    for word in ["zenobia", "quartermaine", "tamanrasset", "djanet", "550998877", "21234567", "quinine", "belladonna"] {
        assert!(!left.contains(word), "{word} in {left}");
    }
}

#[tokio::test]
async fn a_destroyed_point_no_longer_shows_on_its_customer() {
    let ctx = ctx().await;
    let values = [("lastName", text("Roy")), ("email", text("a@x.org")), ("phone", text("021234567"))];
    let id = create(&ctx, "customer", &values).await;
    let object = ctx.catalog.object("contactPoint").unwrap().id;
    let email = async || rows(&ctx, "contactPoint", &["kind"]).await.into_iter().find(|(_, cells)| cells[0] == "email");
    engine::destroy(&ctx, object, email().await.unwrap().0).await.unwrap();
    assert_eq!(rows(&ctx, "customer", &["email", "phone"]).await[0].1, ["", "+21321234567"]);

    // one that was archived, and so did not show
    update(&ctx, "customer", id, &[("email", text("b@x.org"))]).await;
    let old = email().await.unwrap().0;
    update(&ctx, "customer", id, &[("email", Value::Null)]).await;
    update(&ctx, "customer", id, &[("email", text("c@x.org"))]).await;
    engine::destroy(&ctx, object, old).await.unwrap();
    assert_eq!(rows(&ctx, "customer", &["email"]).await[0].1, ["c@x.org"]);

    let point = email().await.unwrap().0;
    let customer = ctx.catalog.object("customer").unwrap().id;
    let gone =
        [(object, point), (customer, id)].map(|(object, id)| Mutation { object, change: Change::Destroy { id } });
    engine::apply(&ctx, gone.to_vec()).await.unwrap();
    assert!(rows(&ctx, "customer", &["name"]).await.is_empty(), "both at once");
}
