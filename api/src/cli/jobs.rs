//! `clientele jobs`.

use clap::{Args, Subcommand};
use entities::ids::{SystemJobId, WorkId};
use jobs::failed::{self, FailedJob};
use serde_json::{Map, Value as Json, json};
use tenants::error::{Code, Error, Result};
use uuid::Uuid;

use crate::{app::App, graphql::failed_job_to_json};

/// Most jobs that are listed of one organisation.
const MOST: u64 = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// List work that was given up, the newest first.
    List(List),
    /// Try work again that was given up.
    Retry(Retry),
}

#[derive(Args)]
pub struct List {
    /// Only this organisation; by default all, and the installation itself.
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Args)]
pub struct Retry {
    /// The id, as shown by `list`.
    id: String,
    /// The organisation's slug; by default, it is looked for in all of them and in the installation itself.
    #[arg(long)]
    tenant: Option<String>,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::List(List { tenant: Some(slug) }) => list(app, &slug).await,
        Command::List(List { tenant: None }) => list_all(app).await,
        Command::Retry(Retry { id, tenant }) => retry(app, &id, tenant.as_deref()).await,
    }
}

async fn list(app: &App, slug: &str) -> Result<()> {
    let ctx = app.operator(slug).await?;
    for job in failed::list(&ctx.db, &ctx.caller, MOST, None).await? {
        print(Some(slug), &job);
    }
    Ok(())
}

async fn list_all(app: &App) -> Result<()> {
    for job in failed::list_system_jobs(&app.registry, MOST).await? {
        print(None, &job);
    }
    for tenant in app.registry.list().await? {
        // one that cannot be opened hides no other
        if let Err(error) = list(app, &tenant.slug).await {
            eprintln!("{}: {} [{}]", tenant.slug, error.message(), error.code().name());
        }
    }
    Ok(())
}

async fn retry(app: &App, id: &str, tenant: Option<&str>) -> Result<()> {
    let id: Uuid =
        id.parse().map_err(|_| Error::new(Code::BadRequest, format!("`{id}` is not a valid id of a job.")))?;
    let tenant = match tenant {
        Some(slug) => retry_of(app, slug, id).await.map(|()| Some(slug.to_owned())),
        None => retry_anywhere(app, id).await,
    };
    super::line(json!({ "tenant": tenant?, "id": id, "retried": true }));
    Ok(())
}

async fn retry_of(app: &App, slug: &str, id: Uuid) -> Result<()> {
    let ctx = app.operator(slug).await?;
    failed::retry(&ctx.db, &ctx.caller, WorkId(id)).await
}

/// Answers the organisation that has the job; none where it is the installation itself.
async fn retry_anywhere(app: &App, id: Uuid) -> Result<Option<String>> {
    let mut tried = failed::retry_system_job(&app.registry, SystemJobId(id)).await.map(|()| None);
    for tenant in app.registry.list().await? {
        if !matches!(&tried, Err(error) if error.code() == Code::NotFound) {
            break;
        }
        tried = retry_of(app, &tenant.slug, id).await.map(|()| Some(tenant.slug));
    }
    tried
}

fn print(tenant: Option<&str>, job: &FailedJob) {
    let mut line = Map::from_iter([("tenant".to_owned(), json!(tenant))]);
    if let Json::Object(of_job) = failed_job_to_json(job) {
        line.extend(of_job);
    }
    super::line(Json::Object(line));
}
