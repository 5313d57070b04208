//! Which handler does the work of which queue.

use std::sync::Arc;

use crm::import::{ImportJob, SweepJob};
use entities::ids::RunId;
use jobs::{Handler, Job, Next};
use records::{
    Ctx,
    catalog::{self, FieldId},
    engine::runs,
};
use serde::Deserialize;
use tenants::{Access, Actor, Code, Error, Origin, error::Result};

use crate::app::App;

/// All handlers.
pub fn handlers(app: &App) -> Vec<Arc<dyn Handler>> {
    let (rules, clock) = (&app.rules, app.registry.clock());
    let imports = ImportJob::new(Arc::clone(rules), clock.clone());
    let sweeps = SweepJob::new(Arc::clone(rules), clock.clone());
    vec![Arc::new(Runs(app.clone())), Arc::new(Fields(app.clone())), Arc::new(imports), Arc::new(sweeps)]
}

/// Our own context, in the space of a job's tenant.
async fn ctx(app: &App, job: &Job, request: String) -> Result<Ctx> {
    app.ctx(job.db.clone(), Actor::System, Arc::new(Access::All), Origin::Job, request).await
}

/// Changes of many records, a batch at a time.
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
            runs::Stepped::More => Ok(Next::Continue),
            runs::Stepped::Over => Ok(Next::Done),
            runs::Stepped::Elsewhere => Err(Error::of(Code::Busy)),
        }
    }
}

/// Indexes and values of new fields, a slice at a time.
struct Fields(App);

#[derive(Deserialize)]
struct FieldPayload {
    field: FieldId,
}

#[async_trait::async_trait]
impl Handler for Fields {
    fn queue(&self) -> &'static str {
        catalog::BUILD_QUEUE
    }

    async fn run(&self, job: &Job) -> Result<Next> {
        let FieldPayload { field } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
        let ctx = ctx(&self.0, job, format!("field-{field}")).await?;
        match catalog::build_step(&ctx, field).await? {
            catalog::Progress::More => Ok(Next::Continue),
            catalog::Progress::Done => Ok(Next::Done),
        }
    }
}
