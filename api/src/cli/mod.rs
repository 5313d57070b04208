//! The command line. Every command opens the same application as the server and may run beside it.

mod account;
mod api_key;
mod demo;
mod import;
mod jobs;
mod keys;
mod migrate;
mod serve;
mod tenant;
mod upkeep;

use std::{
    io::Write,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use tenants::{Error, error::Result};

use crate::{
    app::App,
    config::{Config, Flags},
    log,
};

/// How long databases may take to close at the end.
const CLOSING: Duration = Duration::from_secs(10);

/// The open multi-tenant CRM: every organisation has its own GraphQL schema.
#[derive(Parser)]
#[command(name = "clientele", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and work on the queues.
    Serve,
    /// Manage organisations.
    Tenant {
        #[command(subcommand)]
        command: tenant::Command,
    },
    /// Manage people's accounts.
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    /// Manage API keys.
    ApiKey {
        #[command(subcommand)]
        command: api_key::Command,
    },
    /// Manage the keys that encrypt all data.
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// List work that was given up, and try it again.
    Jobs {
        #[command(subcommand)]
        command: jobs::Command,
    },
    /// Import records from a file of rows (CSV).
    Import(Box<import::Import>),
    /// Undo an import or another run.
    Undo(import::Undo),
    /// Create invented customers, to try things out.
    CreateTestCustomers(upkeep::TestCustomers),
    /// Check stored data.
    Check {
        #[command(subcommand)]
        command: upkeep::Check,
    },
    /// Serve a demo organisation with sample customers, and print how to sign in.
    Demo,
    /// Migrate all organisations to this version; the server does it too, one by one, at their first use.
    Migrate(migrate::Arguments),
    /// Manage where files are stored.
    Files {
        #[command(subcommand)]
        command: FilesCommand,
    },
    /// Check the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the configuration, or what is wrong with it.
    Check,
}

#[derive(Subcommand)]
enum FilesCommand {
    /// Use the configured place of files from now on. Stop all nodes and move the files there before.
    Adopt,
}

/// Runs a command.
pub fn run() -> ExitCode {
    // databases, emails and uploads must not be readable by other users of the machine
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let arguments = Arguments::parse();
    let config = match Config::load(&arguments.flags) {
        Ok(config) => config,
        Err(error) => return report(&error),
    };
    log::start(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Error::internal(error)),
    };
    let done = runtime.block_on(dispatch(arguments.command, &config));
    runtime.shutdown_timeout(CLOSING);
    wait_for_files();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Files are closed by threads of their own, also after an error.
fn wait_for_files() {
    let end = Instant::now() + CLOSING;
    while tenants::db::sqlite_threads() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

async fn dispatch(command: Command, config: &Config) -> Result<()> {
    if let Command::Config { command: ConfigCommand::Check } = command {
        line(serde_json::to_string_pretty(config).map_err(Error::internal)?);
        return Ok(());
    }
    if let Command::Files { command: FilesCommand::Adopt } = command {
        return App::adopt_files(config).await;
    }
    let app = App::open(config).await?;
    let registry = Arc::clone(&app.registry);
    let done = match command {
        Command::Serve => serve::run(app, config).await,
        Command::Tenant { command } => tenant::run(&app, command).await,
        Command::Account { command } => account::run(&app, command).await,
        Command::ApiKey { command } => api_key::run(&app, command).await,
        Command::Keys { command } => keys::run(&app, command).await,
        Command::Jobs { command } => jobs::run(&app, command).await,
        Command::Import(arguments) => import::run(&app, *arguments).await,
        Command::Undo(arguments) => import::undo(&app, arguments).await,
        Command::CreateTestCustomers(arguments) => upkeep::test_customers(&app, arguments).await,
        Command::Check { command } => upkeep::check(&app, command).await,
        Command::Demo => match demo::prepare(&app, config).await {
            Ok(_) => serve::run(app, config).await,
            Err(error) => Err(error),
        },
        Command::Migrate(arguments) => migrate::run(&app, &arguments).await,
        Command::Files { .. } | Command::Config { .. } => Ok(()),
    };
    // a connection that is still in use after all work is done is not waited for indefinitely
    if tokio::time::timeout(CLOSING, registry.close()).await.is_err() {
        tracing::warn!("some databases did not close in time");
    }
    done
}

/// Prints a line. If the reader is gone (`| head`), that is not our error.
fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints an error for people: the message, then the errors by field.
fn report(error: &Error) -> ExitCode {
    eprintln!("error: {} [{}]", error.message(), error.code().name());
    for field in error.fields() {
        eprintln!("  {}: {}", field.field, field.issue.message("en"));
    }
    tracing::debug!(error = error.log_line(), "command failed");
    ExitCode::from(error.code().kind().exit_code())
}
