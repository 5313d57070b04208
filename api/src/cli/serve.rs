//! `clientele serve`.

use tenants::{Error, error::Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::{app::App, config::Config, http};

pub async fn run(app: App, config: &Config) -> Result<()> {
    let mut term = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    // otherwise the first phone number would wait until the country plans are compiled
    tokio::task::spawn_blocking(records::values::warm);
    let server = http::serve(app, config).await?;
    let storage = if config.database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    tracing::info!(address = %server.address, storage, data = %config.data.display(), "serving");
    let scheme = if server.secure { "https" } else { "http" };
    super::line(format_args!("Clientele serves on {scheme}://{}", server.address));
    if let mail::Outbox::Folder { path, .. } = config.outbox()? {
        super::line(format_args!(
            "No mail server is configured (smtp_url): emails are written as files to {}",
            path.display()
        ));
    }
    server
        .until(async {
            tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        })
        .await;
    Ok(())
}
