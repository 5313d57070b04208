//! `clientele keys`.

use clap::{Args, Subcommand};
use tenants::error::Result;

use crate::app::App;

#[derive(Subcommand)]
pub enum Command {
    /// Bring a new key in while everything goes on; what was begun before is finished.
    Rotate(Which),
    /// Take old keys away, once nothing is under them.
    Retire(Which),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The installation's key, which wraps all others.
    #[arg(long)]
    master: bool,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Rotate(_) => {
            let done = app.registry.rotate_master().await?;
            super::line(serde_json::json!({ "masterKey": done.key.to_string(), "changed": done.changed }));
        }
        Command::Retire(_) => {
            let retired = app.registry.retire_master().await?;
            super::line(serde_json::json!({ "retired": retired }));
        }
    }
    Ok(())
}
