//! Services that write do with one connection: whoever asks the pool while holding a transaction waits for itself. The
//! spaces of tests on PostgreSQL have one connection (`tenants::testing`).

use records::{
    Ctx,
    catalog::{self, FieldKind, spec::FieldSpec},
    engine::{self, Draft, runs},
    filter::Filter,
    invitations, members, roles,
    values::Value,
};
use tenants::api_keys::{self, NewKey};

const MINUTE: i64 = 60_000_000;

fn named(ctx: &Ctx, name: &str) -> Draft {
    let customer = ctx.catalog.object("customer").unwrap();
    let mut draft = Draft::default();
    draft.set(customer.standard("name").unwrap().id, Value::Text(name.to_owned()));
    draft.set(customer.standard("email").unwrap().id, Value::Null);
    draft
}

#[tokio::test]
async fn invitations_roles_and_teams() {
    let ctx = &super::ctx().await;
    let role = roles::create(ctx, roles::RolePatch { name: Some("clerk".into()), ..Default::default() }).await.unwrap();
    roles::update(ctx, "clerk", roles::RolePatch { label: Some("Clerk".into()), ..Default::default() }).await.unwrap();
    let invited = invitations::invite(ctx, "bob@example.org", &role.name).await.unwrap();
    ctx.caller.clock.advance(2 * MINUTE);
    let both = invitations::resend(ctx, invited.id).await;
    assert_eq!(both.unwrap().id, invited.id);
    invitations::revoke(ctx, invited.id).await.unwrap();
    let team = members::create_team(ctx, "Sales").await.unwrap();
    assert_eq!(members::rename_team(ctx, team.id, "Sales 2").await.unwrap().name, "Sales 2");
    members::delete_team(ctx, team.id).await.unwrap();
    roles::delete(ctx, "clerk").await.unwrap();
}

#[tokio::test]
async fn keys_and_settings() {
    let ctx = &super::ctx().await;
    let new = NewKey {
        name: "till".into(),
        role: Some("admin".into()),
        scopes: None,
        addresses: Vec::new(),
        expires_at: None,
        points_per_second: None,
    };
    let issued = api_keys::create(&ctx.db, &ctx.caller, new).await.unwrap();
    api_keys::renew(&ctx.db, &ctx.caller, issued.id, 0, None).await.unwrap();
    api_keys::revoke(&ctx.db, &ctx.caller, issued.id).await.unwrap();
}

#[tokio::test]
async fn records_runs_and_the_catalog() {
    let ctx = &super::ctx().await;
    let customer = ctx.catalog.object("customer").unwrap().id;
    let made = engine::create(ctx, customer, vec![named(ctx, "Ada"), named(ctx, "Bob")], &[]).await.unwrap();
    engine::update(ctx, customer, made[0].id, named(ctx, "Ada L"), None).await.unwrap();
    engine::archive(ctx, customer, made[1].id).await.unwrap();
    engine::restore(ctx, customer, made[1].id).await.unwrap();
    let changed = engine::update_where(ctx, customer, Filter::And(Vec::new()), named(ctx, "Same"), true).await.unwrap();
    assert_eq!(changed.changed, 2);
    engine::undo(ctx, changed.run.unwrap()).await.unwrap();
    engine::destroy(ctx, customer, made[1].id).await.unwrap();
    let field = catalog::create_field(ctx, "customer", FieldSpec::new("badge", FieldKind::Text)).await.unwrap();
    let ctx = ctx.refreshed().await.unwrap();
    catalog::delete_field(&ctx, field.id, false).await.unwrap();
    let ctx = ctx.refreshed().await.unwrap();
    assert!(runs::list(&ctx, 50, None).await.unwrap().iter().all(|run| run.status.is_over()));
}
