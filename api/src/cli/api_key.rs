//! `clientele api-key`.

use clap::{Args, Subcommand};
use tenants::{Actor, error::Result};

use crate::app::App;

#[derive(Subcommand)]
pub enum Command {
    /// Make a key and print it, once, alone.
    Create(Create),
}

#[derive(Args)]
pub struct Create {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// What the key is for.
    #[arg(long)]
    name: String,
    /// owner or admin.
    #[arg(long)]
    role: String,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    let Command::Create(Create { tenant, name, role }) = command;
    let tenant = app.registry.by_slug(&tenant).await?;
    let issued = app.identity.create_api_key(tenant.id, &name, &role, Actor::System).await?;
    super::line(issued.key);
    Ok(())
}
