//! `clientele account`.

use clap::{Args, Subcommand};
use tenants::error::{Code, Error, Result};

use crate::app::App;

#[derive(Subcommand)]
pub enum Command {
    /// Switch somebody's second factor off, who has lost it and all recovery codes. They are told by mail.
    DropSecondFactor(Person),
}

#[derive(Args)]
pub struct Person {
    /// Email address of the account.
    #[arg(long)]
    email: String,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    let Command::DropSecondFactor(Person { email }) = command;
    let user = app.registry.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.ok_or_else(|| Error::new(Code::NotFound, "There is no account with this address."))?;
    app.identity.drop_factor(&user).await?;
    super::line(serde_json::json!({ "email": user.email, "secondFactor": false }));
    Ok(())
}
