//! Which handler works on which queue.

use std::sync::Arc;

use crm::import::{Imports, Sweeper};
use jobs::{Attempt, Handler, Next, Registered};
use records::{
    Ctx,
    catalog::{self, Build, DropRetired},
    engine::{
        retention::{self, SweepChanges, Swept},
        runs::{self, ContinueRun},
    },
    invitations::{self, InvitationEmail},
};
use tenants::{
    Access, Actor, Clock, Error, Origin,
    error::Result,
    security_log::{self, SweepLog},
};

use crate::{app::App, emails::EmailSender, reseal::Resealer};

/// All handlers.
pub fn handlers(app: &App, emails: &Arc<EmailSender>) -> Vec<Registered> {
    let (rules, clock) = (&app.rules, app.registry.clock());
    let mut handlers = app.consumers.handlers(rules, clock);
    handlers.extend([
        Registered::new(Arc::new(Runs(app.clone()))),
        Registered::new(Arc::new(Fields(app.clone()))),
        Registered::new(Arc::new(Deleted(clock.clone()))),
        Registered::new(Arc::new(Resealer(app.clone()))),
        Registered::new(Arc::new(Invitations(Arc::clone(emails)))),
        Registered::new(Arc::new(Imports::new(Arc::clone(rules), clock.clone()))),
        Registered::new(Arc::new(Sweeper::new(Arc::clone(rules), clock.clone()))),
        Registered::new(Arc::new(SecurityLog(app.clone()))),
        Registered::new(Arc::new(OldChanges(clock.clone()))),
    ]);
    handlers
}

/// The system as caller, in the space of a job's tenant.
pub(crate) async fn ctx(app: &App, attempt: &Attempt, request: String) -> Result<Ctx> {
    app.ctx(attempt.db.clone(), Actor::System, Arc::new(Access::All), Origin::Job, request).await
}

/// Changes many records, a batch at a time.
struct Runs(App);

#[async_trait::async_trait]
impl Handler for Runs {
    type Job = ContinueRun;

    async fn run(&self, ContinueRun { run }: ContinueRun, attempt: &Attempt) -> Result<Next> {
        let ctx = ctx(&self.0, attempt, format!("run-{run}")).await?;
        if attempt.by_hand {
            runs::reopen(&ctx, run).await?;
        }
        match runs::step(&ctx, run).await {
            Ok(runs::StepResult::More) => Ok(Next::Continue),
            Ok(runs::StepResult::Over) => Ok(Next::Done),
            Ok(runs::StepResult::Elsewhere(until)) => Ok(Next::At(until)),
            // the reason is in the run
            Err(error) if !error.code().kind().retryable() => {
                tracing::info!(run.id = %run, error = error.code().name(), "a run failed");
                Ok(Next::Done)
            }
            Err(error) => Err(error),
        }
    }

    async fn given_up(&self, ContinueRun { run }: ContinueRun, attempt: &Attempt, why: &Error) -> Result<()> {
        runs::give_up(&ctx(&self.0, attempt, format!("run-{run}")).await?, run, why).await
    }
}

/// Builds indexes and values of new fields, and constraints, step by step.
struct Fields(App);

#[async_trait::async_trait]
impl Handler for Fields {
    type Job = Build;

    async fn run(&self, job: Build, attempt: &Attempt) -> Result<Next> {
        let step = match job {
            Build::Field(field) => {
                let ctx = ctx(&self.0, attempt, format!("field-{field}")).await?;
                catalog::build_step(&ctx, field).await?
            }
            Build::Constraint(constraint, index) => {
                let ctx = ctx(&self.0, attempt, format!("constraint-{constraint}")).await?;
                catalog::build_constraint_step(&ctx, constraint, &index).await?
            }
        };
        match step {
            catalog::Progress::More => Ok(Next::Continue),
            catalog::Progress::Done => Ok(Next::Done),
        }
    }
}

/// Drops columns and tables that were deleted long ago.
struct Deleted(Clock);

#[async_trait::async_trait]
impl Handler for Deleted {
    type Job = DropRetired;

    async fn run(&self, _: DropRetired, attempt: &Attempt) -> Result<Next> {
        catalog::drop_retired(&attempt.db, self.0.micros()).await?;
        Ok(Next::Done)
    }
}

/// Deletes expired entries of security logs.
struct SecurityLog(App);

#[async_trait::async_trait]
impl Handler for SecurityLog {
    type Job = SweepLog;

    async fn run(&self, _: SweepLog, attempt: &Attempt) -> Result<Next> {
        let now = self.0.registry.clock().micros();
        let next = security_log::sweep(&attempt.db, now).await?;
        security_log::sweep_control(self.0.registry.control().write(), now).await?;
        Ok(Next::At(next))
    }
}

/// Deletes changes that are older than the organisation keeps them.
struct OldChanges(Clock);

#[async_trait::async_trait]
impl Handler for OldChanges {
    type Job = SweepChanges;

    async fn run(&self, _: SweepChanges, attempt: &Attempt) -> Result<Next> {
        Ok(match retention::sweep(&attempt.db, self.0.micros()).await? {
            Swept::More => Next::Continue,
            Swept::Until(instant) => Next::At(instant),
            Swept::Never => Next::Done,
        })
    }
}

/// Sends emails to invited people.
struct Invitations(Arc<EmailSender>);

#[async_trait::async_trait]
impl Handler for Invitations {
    type Job = InvitationEmail;

    async fn run(&self, job: InvitationEmail, attempt: &Attempt) -> Result<Next> {
        let request = invitations::email(&attempt.db, job).await?;
        self.0.send(&attempt.id.to_string(), request).await?;
        Ok(Next::Done)
    }
}

#[cfg(test)]
mod tests {
    //! Deleted columns and tables are dropped when their time has come.

    use jobs::{Worker, consumers::Consumers};
    use records::catalog::{FieldKind, spec::FieldSpec};
    use sea_orm::ConnectionTrait;
    use tenants::{identity::Identity, testing};

    use super::*;
    use crate::{app::StandardObjects, config::Config};

    /// Microseconds.
    const DAY: i64 = 86_400_000_000;

    fn handlers(app: &App) -> Vec<Registered> {
        super::handlers(app, &Arc::new(EmailSender::new(&Config::default()).unwrap()))
    }

    async fn organisation() -> (App, Ctx) {
        let (registry, owner) = testing::registry(Arc::new(StandardObjects::new())).await;
        let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
        let registry = Arc::new(registry);
        let identity = Arc::new(Identity::new(Arc::clone(&registry)));
        let app = App { registry, identity, rules: crm::rules(), consumers: Consumers::default() };
        let db = app.registry.space(tenant).await.unwrap();
        let ctx = app.ctx(db, Actor::System, Arc::new(Access::All), Origin::Cli, "test".to_owned()).await.unwrap();
        (app, ctx)
    }

    #[tokio::test]
    async fn what_was_deleted_is_dropped_a_month_later() {
        let (app, ctx) = organisation().await;
        let worker = Worker::new(Arc::clone(&app.registry), handlers(&app));
        let made = catalog::create_field(&ctx, "customer", FieldSpec::new("badge", FieldKind::Text)).await.unwrap();
        let table = ctx.catalog.object("customer").unwrap().table.clone();
        let sql = format!(r#"SELECT count(t."{}") FROM "tenant"."{table}" AS t"#, made.column);
        let there = async || ctx.db.query_one_raw(ctx.db.statement(sql.clone(), Vec::new())).await.is_ok();
        catalog::delete_field(&ctx, made.id, false).await.unwrap();
        app.registry.clock().advance(29 * DAY);
        while worker.turn().await.unwrap() {}
        assert!(there().await, "it can still be brought back");
        let again = catalog::create_field(&ctx, "customer", FieldSpec::new("badge", FieldKind::Integer)).await.unwrap();
        catalog::delete_field(&ctx, again.id, false).await.unwrap();
        app.registry.clock().advance(DAY);
        while worker.turn().await.unwrap() {}
        assert!(!there().await);
        assert_eq!(catalog::drop_retired(&ctx.db, app.registry.clock().micros()).await.unwrap(), 0);
        app.registry.clock().advance(29 * DAY);
        while worker.turn().await.unwrap() {}
        let left = catalog::drop_retired(&ctx.db, app.registry.clock().micros()).await.unwrap();
        assert_eq!(left, 0, "the second one had its own time");
    }
}
