//! `clientele check`, `clientele create-test-customers`.

use clap::{Args, Subcommand};
use tenants::error::{Code, Error, Result};

use super::import::print;
use crate::app::App;

#[derive(Subcommand)]
pub enum Check {
    /// Compare rollups with their records.
    Rollups(Rollups),
}

#[derive(Args)]
pub struct Rollups {
    /// Only this organisation; by default all.
    #[arg(long)]
    tenant: Option<String>,
    /// Correct wrong values.
    #[arg(long)]
    repair: bool,
}

#[derive(Args)]
pub struct TestCustomers {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// How many, at most 10 000 000.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    count: u64,
    /// The same seed creates the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints wrong values; one that is not repaired is an error.
pub async fn check(app: &App, Check::Rollups(Rollups { tenant, repair }): Check) -> Result<()> {
    let slugs = match tenant {
        Some(slug) => vec![slug],
        None => app.registry.list().await?.into_iter().map(|tenant| tenant.slug).collect(),
    };
    let mut wrong = 0;
    for slug in slugs {
        let ctx = app.operator(&slug).await?;
        let found = records::catalog::check_rollups(&ctx, repair).await?;
        wrong += found.len();
        print(&serde_json::json!({ "tenant": slug, "repaired": repair, "mismatches": found }))?;
    }
    if wrong == 0 || repair {
        return Ok(());
    }
    Err(Error::new(Code::Conflict, format!("{wrong} rollups do not match their records. Run again with --repair.")))
}

/// Creates invented customers, to try things out.
pub async fn test_customers(app: &App, arguments: TestCustomers) -> Result<()> {
    let ctx = app.operator(&arguments.tenant).await?;
    let report = crm::customers::create_test_customers(&ctx, arguments.count, arguments.seed).await?;
    print(&report)
}
