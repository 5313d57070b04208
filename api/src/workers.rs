//! Which handler works on which queue.

use std::sync::Arc;

use crm::import::{ImportJob, SweepJob};
use entities::ids::RunId;
use jobs::{Handler, Job, Next};
use records::{
    Ctx,
    catalog::{self, ConstraintId, FieldId},
    engine::runs,
    invitations,
};
use serde::Deserialize;
use tenants::{Access, Actor, Clock, Error, Origin, error::Result, security_log};

use crate::{app::App, reseal::Reseal};

/// All handlers.
pub fn handlers(app: &App) -> Vec<Arc<dyn Handler>> {
    let (rules, clock) = (&app.rules, app.registry.clock());
    let imports = ImportJob::new(Arc::clone(rules), clock.clone());
    let sweeps = SweepJob::new(Arc::clone(rules), clock.clone());
    vec![
        Arc::new(Runs(app.clone())),
        Arc::new(Fields(app.clone())),
        Arc::new(Deleted(clock.clone())),
        Arc::new(Reseal(app.clone())),
        Arc::new(Invitations(app.clone())),
        Arc::new(imports),
        Arc::new(sweeps),
        Arc::new(SecurityLog(app.clone())),
    ]
}

/// The system as caller, in the space of a job's tenant.
pub(crate) async fn ctx(app: &App, job: &Job, request: String) -> Result<Ctx> {
    app.ctx(job.db.clone(), Actor::System, Arc::new(Access::All), Origin::Job, request).await
}

/// When a run that another process works on is looked at again, microseconds: that process may be gone.
const LOOK_AGAIN: i64 = 5_000_000;

/// Changes many records, a batch at a time.
struct Runs(App);

#[derive(Deserialize)]
struct RunPayload {
    run: RunId,
}

#[async_trait::async_trait]
impl Handler for Runs {
    fn queue(&self) -> &'static str {
        runs::QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let RunPayload { run } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
        let ctx = ctx(&self.0, job, format!("run-{run}")).await?;
        match runs::step(&ctx, run).await? {
            runs::StepResult::More => Ok(Next::Continue),
            runs::StepResult::Over => Ok(Next::Done),
            runs::StepResult::Elsewhere => Ok(Next::At(ctx.caller.clock.micros() + LOOK_AGAIN)),
        }
    }
}

/// Builds indexes and values of new fields, and constraints, step by step.
struct Fields(App);

#[derive(Deserialize)]
#[serde(untagged)]
enum ToBuild {
    Field { field: FieldId },
    Constraint { constraint: ConstraintId, index: String },
}

#[async_trait::async_trait]
impl Handler for Fields {
    fn queue(&self) -> &'static str {
        catalog::BUILD_QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let step = match serde_json::from_value(job.payload.clone()).map_err(Error::internal)? {
            ToBuild::Field { field } => {
                let ctx = ctx(&self.0, job, format!("field-{field}")).await?;
                catalog::build_step(&ctx, field).await?
            }
            ToBuild::Constraint { constraint, index } => {
                let ctx = ctx(&self.0, job, format!("constraint-{constraint}")).await?;
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
    fn queue(&self) -> &'static str {
        catalog::DROP_QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        catalog::drop_retired(&job.db, self.0.micros()).await?;
        Ok(Next::Done)
    }
}

/// Deletes expired entries of security logs.
struct SecurityLog(App);

#[async_trait::async_trait]
impl Handler for SecurityLog {
    fn queue(&self) -> &'static str {
        security_log::QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let now = self.0.registry.clock().micros();
        security_log::sweep(&job.db, now).await?;
        security_log::sweep_control(self.0.registry.control().write(), now).await?;
        Ok(Next::Done)
    }
}

/// Hands emails to invited people over to the installation's mail.
struct Invitations(App);

#[async_trait::async_trait]
impl Handler for Invitations {
    fn queue(&self) -> &'static str {
        invitations::QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let request = invitations::email(&job.db, job.payload.clone()).await?;
        self.0.identity.send_email(&request).await?;
        Ok(Next::Done)
    }
}

#[cfg(test)]
mod tests {
    //! Deleted columns and tables are dropped when their time has come.

    use jobs::Worker;
    use records::catalog::{FieldKind, spec::FieldSpec};
    use sea_orm::ConnectionTrait;
    use tenants::{identity::Identity, testing};

    use super::*;
    use crate::app::StandardObjects;

    /// Microseconds.
    const DAY: i64 = 86_400_000_000;

    async fn organisation() -> (App, Ctx) {
        let (registry, owner) = testing::registry(Arc::new(StandardObjects::new())).await;
        let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
        let registry = Arc::new(registry);
        let identity = Arc::new(Identity::new(Arc::clone(&registry)));
        let app = App { registry, identity, rules: crm::rules() };
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
