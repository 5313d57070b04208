//! The setup of a measure: one backend, and the amounts.

use tests::{Tenant, TestApp};

/// The database that is measured.
#[derive(Clone)]
pub enum Backend {
    Sqlite,
    /// A server to create databases on.
    Postgres(String),
}

impl Backend {
    /// SQLite, and PostgreSQL if the command found one.
    pub fn all() -> impl Iterator<Item = Backend> {
        std::iter::once(Backend::Sqlite).chain(tests::postgres().map(Backend::Postgres))
    }
}

pub struct Bench {
    backend: Backend,
}

impl Bench {
    pub fn new(backend: Backend) -> Self {
        Self { backend }
    }

    pub fn name(&self) -> &'static str {
        match self.backend {
            Backend::Sqlite => "SQLite",
            Backend::Postgres(_) => "PostgreSQL",
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// A fresh application.
    pub async fn app(&self) -> TestApp {
        let server = match &self.backend {
            Backend::Sqlite => None,
            Backend::Postgres(server) => Some(server.clone()),
        };
        // One key asks more here than one caller may: its budget is counted, but never spent.
        let plenty = "1000000000000";
        let settings = [
            ("CLIENTELE_LOG", "warn"),
            ("CLIENTELE_GRAPHQL_POINTS", plenty),
            ("CLIENTELE_GRAPHQL_POINTS_PER_SECOND", plenty),
        ];
        TestApp::spawn_on(server, &settings).await
    }

    /// An organisation in a new application.
    pub async fn tenant(&self) -> (TestApp, Tenant) {
        let app = self.app().await;
        let tenant = app.tenant("acme");
        (app, tenant)
    }
}

/// The share of the full amounts that this run uses.
pub fn part() -> f64 {
    std::env::var("BENCH_PART").ok().and_then(|part| part.parse().ok()).unwrap_or(1.0)
}

/// An amount, reduced to this run's share.
pub fn amount(full: usize) -> usize {
    ((full as f64 * part()) as usize).max(1)
}
