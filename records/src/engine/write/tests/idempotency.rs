//! Repeated requests.

use entities::{ids::RecordId, tenant::idempotency};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use tenants::{Caller, Code};

use crate::engine::{
    Change, Mutation, WriteTransaction,
    idempotency::{Begun, abandon, begin, finish, mark},
    write::world::World,
};

fn another(caller: &Caller, request: &str) -> Caller {
    Caller { request: request.to_owned(), ..caller.clone() }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let (db, caller) = (&world.ctx.db, &world.ctx.caller);
    assert_eq!(begin(db, caller, "k", "h1").await.unwrap(), Begun::Fresh);
    let second = another(caller, "second");
    assert_eq!(begin(db, &second, "k", "h1").await.unwrap_err().code(), Code::Conflict, "still worked on");
    finish(db, caller, "k", "answer".into()).await.unwrap();
    assert_eq!(begin(db, &second, "k", "h1").await.unwrap(), Begun::Repeated("answer".into()));
    assert_eq!(begin(db, &second, "k", "h2").await.unwrap_err().code(), Code::IdempotencyMismatch);
    caller.clock.advance(25 * 3_600 * 1_000_000);
    assert_eq!(begin(db, &second, "k", "h2").await.unwrap(), Begun::Fresh, "answers are kept for a day");
    abandon(db, &second, "k").await.unwrap();
    assert_eq!(begin(db, &second, "k", "h3").await.unwrap(), Begun::Fresh);
}

#[tokio::test]
async fn a_dead_request_is_taken_over_unless_it_wrote() {
    let world = World::new().await;
    let (db, caller) = (&world.ctx.db, &world.ctx.caller);
    begin(db, caller, "idle", "h").await.unwrap();
    begin(db, &another(caller, "busy"), "wrote", "h").await.unwrap();
    write(&world, &another(caller, "busy"), "wrote").await;
    caller.clock.advance(6 * 60 * 1_000_000);
    let later = another(caller, "later");
    assert_eq!(begin(db, &later, "idle", "h").await.unwrap(), Begun::Fresh);
    assert_eq!(begin(db, &later, "wrote", "h").await.unwrap_err().code(), Code::Conflict);
    finish(db, caller, "idle", "late".into()).await.unwrap();
    assert_eq!(
        begin(db, &another(caller, "x"), "idle", "h").await.unwrap_err().code(),
        Code::Conflict,
        "the dead one's answer is not taken"
    );
}

/// Creates a person on behalf of a request with a key.
async fn write(world: &World, caller: &Caller, key: &str) {
    let db = world.ctx.db.marked(mark(caller, key));
    let ctx = crate::Ctx { caller: std::sync::Arc::new(caller.clone()), db, ..world.ctx.clone() };
    let draft = world.draft("person", serde_json::json!({"lastName": "A"}));
    crate::engine::create(&ctx, world.id("person"), vec![draft], &[]).await.unwrap();
}

#[tokio::test]
async fn a_request_that_wrote_keeps_its_key_when_its_answer_is_lost() {
    let world = World::new().await;
    let (db, caller) = (&world.ctx.db, &world.ctx.caller);
    begin(db, caller, "k", "h").await.unwrap();
    write(&world, caller, "k").await;
    // the commit came through, but what called it saw a broken connection
    abandon(db, caller, "k").await.unwrap();
    let repeated = another(caller, "again");
    assert_eq!(begin(db, &repeated, "k", "h").await.unwrap_err().code(), Code::Conflict, "it is not done twice");
    caller.clock.advance(6 * 60 * 1_000_000);
    let error = begin(db, &repeated, "k", "h").await.unwrap_err();
    assert!(error.message().contains("its answer is lost"), "{}", error.message());
}

#[tokio::test]
async fn a_write_that_is_rolled_back_leaves_no_mark() {
    let world = World::new().await;
    let (db, caller) = (&world.ctx.db, &world.ctx.caller);
    begin(db, caller, "k", "h").await.unwrap();
    let ctx = crate::Ctx { db: db.marked(mark(caller, "k")), ..world.ctx.clone() };
    let mut write = WriteTransaction::begin(&ctx).await.unwrap();
    let draft = world.draft("person", serde_json::json!({"lastName": "A"}));
    let change = Change::Create { id: RecordId::new(), draft };
    write.write(vec![Mutation { object: world.id("person"), change }]).await.unwrap();
    write.rollback().await.unwrap();
    abandon(db, caller, "k").await.unwrap();
    assert_eq!(begin(db, &another(caller, "again"), "k", "h").await.unwrap(), Begun::Fresh);
}

#[tokio::test]
async fn an_answer_is_that_of_its_own_request() {
    let world = World::new().await;
    let (db, caller) = (&world.ctx.db, &world.ctx.caller);
    for key in ["a", "b"] {
        begin(db, caller, key, "h").await.unwrap();
        finish(db, caller, key, format!("answer to {key}")).await.unwrap();
    }
    let answer = |key| idempotency::Entity::find().filter(idempotency::Column::Key.eq(key)).one(db);
    let of_b = answer("b").await.unwrap().unwrap().response;
    let moved = idempotency::Entity::update_many().col_expr(idempotency::Column::Response, Expr::value(of_b));
    moved.filter(idempotency::Column::Key.eq("a")).exec(db).await.unwrap();
    let later = another(caller, "later");
    assert_eq!(begin(db, &later, "a", "h").await.unwrap_err().code(), Code::Conflict, "somebody put it there");
    assert_eq!(begin(db, &later, "b", "h").await.unwrap(), Begun::Repeated("answer to b".into()));
}
