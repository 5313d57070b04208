//! `clientele keys`.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use entities::control::tenants as registry;
use tenants::error::Result;

use crate::{app::App, reseal::reseal};

/// How long resealing may take before the catalog is checked again.
const SLICE: Duration = Duration::from_secs(10);

#[derive(Subcommand)]
pub enum Command {
    /// Add a new key while everything is in use; continues an interrupted rotation.
    Rotate(Which),
    /// Remove old keys, once nothing uses them.
    Retire(Which),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The installation's master key, which wraps all others.
    #[arg(long)]
    master: bool,
    /// The data key of the organisation with this slug; `all` for every organisation.
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Rotate(Which { tenant: Some(which), .. }) => rotate_data(app, &which).await,
        Command::Retire(Which { tenant: Some(which), .. }) => retire_data(app, &which).await,
        Command::Rotate(_) => {
            let done = app.registry.rotate_master().await?;
            super::line(serde_json::json!({ "masterKey": done.key.to_string(), "changed": done.changed }));
            Ok(())
        }
        Command::Retire(_) => {
            let retired = app.registry.retire_master().await?;
            super::line(serde_json::json!({ "retired": retired }));
            Ok(())
        }
    }
}

async fn chosen(app: &App, which: &str) -> Result<Vec<registry::Model>> {
    if which == "all" { app.registry.list().await } else { Ok(vec![app.registry.by_slug(which).await?]) }
}

async fn rotate_data(app: &App, which: &str) -> Result<()> {
    for tenant in chosen(app, which).await? {
        let key = app.registry.rotate_data_key(&tenant).await?;
        super::line(serde_json::json!({ "tenant": tenant.slug, "dataKey": key.to_string() }));
    }
    Ok(())
}

async fn retire_data(app: &App, which: &str) -> Result<()> {
    for tenant in chosen(app, which).await? {
        let ctx = app.operator(&tenant.slug).await?;
        while !reseal(&ctx.refreshed().await?, Instant::now() + SLICE).await? {}
        let retired = app.registry.drop_older_data_keys(tenant.id).await?;
        super::line(serde_json::json!({ "tenant": tenant.slug, "retired": retired }));
    }
    Ok(())
}
