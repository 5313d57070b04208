//! `clientele account`.

use clap::{Args, Subcommand};
use entities::control::users;
use serde_json::json;
use tenants::{
    error::{Code, Error, Result},
    identity, security_log,
};

use crate::{app::App, graphql::instant};

#[derive(Subcommand)]
pub enum Command {
    /// Turn off the second factor of somebody who has lost it and all recovery codes. They are told by email.
    DropSecondFactor(Person),
    /// Show security events of people who belong to no organisation, newest first.
    Log(Log),
}

#[derive(Args)]
pub struct Person {
    /// Email address of the account.
    #[arg(long)]
    email: String,
}

#[derive(Args)]
pub struct Log {
    /// Email address of an account, to see its entries alone.
    #[arg(long)]
    email: Option<String>,
    /// Most entries.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    first: u64,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::DropSecondFactor(Person { email }) => {
            let user = user(app, &email).await?;
            app.identity.drop_factor(&user).await?;
            super::line(json!({ "email": user.email, "secondFactor": false }));
        }
        Command::Log(Log { email, first }) => log(app, email.as_deref(), first).await?,
    }
    Ok(())
}

async fn user(app: &App, email: &str) -> Result<users::Model> {
    let user = app.registry.user_by_email(&identity::email_key(email)).await?;
    user.ok_or_else(|| Error::new(Code::NotFound, "There is no account with this address."))
}

async fn log(app: &App, email: Option<&str>, first: u64) -> Result<()> {
    let person = match email {
        Some(email) => Some(user(app, email).await?.id),
        None => None,
    };
    for line in security_log::of_people(app.registry.control().read(), person, first).await? {
        let mut reported = json!({ "at": instant(line.at), "kind": line.kind, "account": line.actor, "detail": line.detail,
            "address": line.address, "agent": line.agent });
        if line.times > 1 {
            reported["times"] = json!(line.times);
            reported["lastAt"] = json!(instant(line.last_at));
        }
        super::line(reported);
    }
    Ok(())
}
