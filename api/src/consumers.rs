//! The table of what follows the feed: a consumer is one line here.

use jobs::consumers::Consumers;

/// The consumers of this release.
pub fn consumers() -> Consumers {
    Consumers::default()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use entities::tenant::consumers;
    use jobs::{
        Worker,
        consumers::{Consumer, Rebuild},
    };
    use records::{
        Ctx,
        engine::{self, Diff, Draft, ValueChange, retention},
        values::Value,
    };
    use sea_orm::EntityTrait;
    use tenants::{
        Access, Actor, Error, Origin,
        error::{Code, Result},
        identity::Identity,
        testing,
    };

    use super::*;
    use crate::app::{App, StandardObjects};

    /// Microseconds.
    const DAY: i64 = 86_400_000_000;

    /// Writes down what it is told of customers.
    #[derive(Default)]
    struct Notes {
        received: Mutex<Vec<String>>,
        /// How often it fails before it takes anything.
        failures: AtomicUsize,
    }

    struct Scribe<const N: usize>(Arc<Notes>);

    #[async_trait::async_trait]
    impl<const N: usize> Consumer for Scribe<N> {
        const NAME: &'static str = ["feed.test.first", "feed.test.second"][N];

        fn wants(&self, diff: &Diff) -> bool {
            diff.origin != "JOB"
        }

        async fn consume(&self, ctx: &Ctx, diffs: Vec<Diff>) -> Result<()> {
            let customer = ctx.catalog.object("customer").unwrap();
            let name = customer.field("name").unwrap().id;
            if self.0.failures.load(Ordering::SeqCst) > 0 {
                self.0.failures.fetch_sub(1, Ordering::SeqCst);
                return Err(Error::of(Code::BadRequest));
            }
            for diff in diffs.iter().filter(|diff| diff.object == customer.id) {
                if let Some(ValueChange::Values(old, new)) = diff.fields.get(&name) {
                    let text = |value: &Value| match value {
                        Value::Text(text) => text.clone(),
                        _ => "-".to_owned(),
                    };
                    self.0.received.lock().unwrap().push(format!("{} to {}", text(old), text(new)));
                }
            }
            Ok(())
        }

        async fn rebuild(&self, ctx: &Ctx) -> Result<Rebuild> {
            let last = engine::last_seq(&ctx.db).await?;
            self.0.received.lock().unwrap().push(format!("rebuilt at {last}"));
            Ok(Rebuild::Done)
        }
    }

    impl Notes {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.received.lock().unwrap())
        }
    }

    struct World {
        app: App,
        ctx: Ctx,
        worker: Worker,
        notes: [Arc<Notes>; 2],
    }

    impl World {
        async fn new() -> Self {
            let (registry, owner) = testing::registry(Arc::new(StandardObjects::new())).await;
            let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
            let registry = Arc::new(registry);
            let identity = Arc::new(Identity::new(Arc::clone(&registry)));
            let notes = [Arc::new(Notes::default()), Arc::new(Notes::default())];
            let consumers =
                consumers().with(Scribe::<0>(Arc::clone(&notes[0]))).with(Scribe::<1>(Arc::clone(&notes[1])));
            consumers.follow(&registry);
            let app = App { registry, identity, rules: crm::rules(), consumers };
            let db = app.registry.space(tenant).await.unwrap();
            let ctx = app.ctx(db, Actor::System, Arc::new(Access::All), Origin::Cli, "test".to_owned()).await.unwrap();
            let handlers = app.consumers.handlers(&app.rules, app.registry.clock());
            let worker = Worker::new(Arc::clone(&app.registry), handlers);
            Self { app, ctx, worker, notes }
        }

        async fn create(&self, name: &str) {
            let customer = self.ctx.catalog.object("customer").unwrap();
            let mut draft = Draft::default();
            draft.set(customer.field("kind").unwrap().id, Value::Text("company".to_owned()));
            draft.set(customer.field("companyName").unwrap().id, Value::Text(name.to_owned()));
            engine::create(&self.ctx, customer.id, vec![draft], &[]).await.unwrap();
        }

        async fn work(&self) {
            while self.worker.turn().await.unwrap() {}
        }

        fn later(&self, micros: i64) {
            self.app.registry.clock().advance(micros);
        }

        fn received(&self) -> [Vec<String>; 2] {
            [self.notes[0].take(), self.notes[1].take()]
        }
    }

    fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
        lines.map(str::to_owned).to_vec()
    }

    /// One after the other: on PostgreSQL their workers would take each other's tickets.
    #[tokio::test]
    async fn consumers_follow_the_feed() {
        consumers_begin_with_what_is_there_and_are_told_what_comes().await;
        a_consumer_that_fails_is_tried_again_and_holds_up_nobody().await;
        a_consumer_that_fell_behind_begins_anew().await;
    }

    async fn consumers_begin_with_what_is_there_and_are_told_what_comes() {
        let world = World::new().await;
        world.create("A").await;
        world.work().await;
        let last = engine::last_seq(&world.ctx.db).await.unwrap();
        let begun = vec![format!("rebuilt at {last}")];
        assert_eq!(world.received(), [begun.clone(), begun]);
        world.create("B").await;
        world.create("C").await;
        world.work().await;
        let news = lines(["- to B", "- to C"]);
        assert_eq!(world.received(), [news.clone(), news]);
        world.work().await;
        assert_eq!(world.received(), [Vec::<String>::new(), Vec::new()], "once");
    }

    async fn a_consumer_that_fails_is_tried_again_and_holds_up_nobody() {
        let world = World::new().await;
        world.create("A").await;
        world.work().await;
        world.received();
        world.notes[0].failures.store(2, Ordering::SeqCst);
        world.create("B").await;
        world.work().await;
        assert_eq!(world.received(), [vec![], lines(["- to B"])]);
        world.create("C").await;
        world.work().await;
        assert_eq!(world.received(), [vec![], lines(["- to C"])]);
        assert_eq!(world.notes[0].failures.load(Ordering::SeqCst), 1, "a further commit does not shorten its pause");
        for _ in 0..2 {
            world.later(10_000_000);
            world.work().await;
        }
        assert_eq!(world.received(), [lines(["- to B", "- to C"]), vec![]], "in their order");
    }

    async fn a_consumer_that_fell_behind_begins_anew() {
        let world = World::new().await;
        world.create("A").await;
        world.work().await;
        world.received();
        world.notes[0].failures.store(1, Ordering::SeqCst);
        let now = world.app.registry.clock().micros();
        retention::set_keep_days(&world.ctx.db, 30, now).await.unwrap();
        world.create("B").await;
        world.work().await;
        assert_eq!(world.received(), [vec![], lines(["- to B"])]);
        // what it did not take is deleted before it is tried again
        while retention::sweep(&world.ctx.db, now + 40 * DAY).await.unwrap() == retention::Swept::More {}
        world.later(40 * DAY);
        world.work().await;
        let last = engine::last_seq(&world.ctx.db).await.unwrap();
        assert_eq!(world.received(), [vec![format!("rebuilt at {last}")], vec![]]);
        world.create("C").await;
        world.work().await;
        assert_eq!(world.received(), [lines(["- to C"]), lines(["- to C"])]);
        let rows = consumers::Entity::find().all(&world.ctx.db).await.unwrap();
        assert!(rows.iter().all(|row| row.seq == last + 2 && !row.rebuilding), "{rows:?}");
    }
}
