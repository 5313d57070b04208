//! `clientele migrate`.

use clap::Args;
use futures::{StreamExt, stream};
use serde_json::json;
use tenants::{Code, Error, error::Result};

use crate::app::App;

/// Organisations migrated at the same time.
const AT_ONCE: usize = 4;

#[derive(Args)]
pub struct Arguments {
    /// Only report what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// Prints a line per organisation; a failure does not stop the others.
pub async fn run(app: &App, arguments: &Arguments) -> Result<()> {
    let tenants = app.registry.list().await?;
    let total = tenants.len();
    let mut failed = 0;
    let mut answers = stream::iter(tenants)
        .map(|tenant| async move {
            let outcome = if arguments.dry_run {
                app.registry.pending(&tenant).await.map(|steps| json!({ "pending": steps }))
            } else {
                app.registry.space(tenant.id).await.map(|_| json!({ "state": "current" }))
            };
            (tenant.slug, outcome)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((slug, outcome)) = answers.next().await {
        match outcome {
            Ok(facts) => super::line(json!({ "tenant": slug, "result": facts })),
            Err(error) => {
                failed += 1;
                super::line(json!({ "tenant": slug, "error": error.code().name(), "message": error.message() }));
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Error::new(Code::TenantMigrating, format!("{failed} of {total} organisations are not up to date.")))
}
