//! `clientele api-key`.

use clap::{Args, Subcommand};
use tenants::{api_keys::NewKey, error::Result};

use crate::app::App;

#[derive(Subcommand)]
pub enum Command {
    /// Create a key and print it; it is shown only once.
    Create(Create),
}

#[derive(Args)]
pub struct Create {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// What the key is used for.
    #[arg(long)]
    name: String,
    /// Name of its role: owner, admin, manager, agent, viewer, or one of the organisation's own.
    #[arg(long)]
    role: String,
    /// An address or network that may use it, such as 192.0.2.0/24; may be repeated.
    #[arg(long = "address")]
    addresses: Vec<String>,
    /// Days until it expires.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: Option<u32>,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    let Command::Create(Create { tenant, name, role, addresses, days }) = command;
    let tenant = app.registry.by_slug(&tenant).await?;
    let expires_at = days.map(|days| app.registry.clock().micros() + i64::from(days) * 24 * 3600 * 1_000_000);
    let new = NewKey { name, role: Some(role), addresses, expires_at, ..NewKey::default() };
    let issued = app.identity.create_api_key(tenant.id, new).await?;
    super::line(issued.key);
    Ok(())
}
