//! Log output: standard error, as text for people or JSON for programs.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{Config, LogFormat};

/// Starts logging. SQL statements are never logged, because they contain personal data.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(format!("{},sqlx=off,sea_orm=off", config.log)).unwrap_or_default();
    let registry = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // a second start in the same process (tests) keeps the first
    let _ = match config.log_format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_writer(writer).with_ansi(ansi).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(writer)).try_init(),
    };
}
