//! For operators: liveness, readiness and metrics.

use std::sync::OnceLock;

use actix_web::{HttpResponse, web};
use jobs::measures;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;

use super::upgrade::Upgrade;
use crate::app::App;

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Requests can be served: the control plane answers. It also shows how many tenants wait for this release or could not
/// be migrated; those answer `TENANT_MIGRATING` while the others are served.
pub async fn readyz(app: web::Data<App>, upgrade: web::Data<Upgrade>) -> HttpResponse {
    match app.registry.control().read().ping().await {
        Ok(()) => HttpResponse::Ok().json(json!({
            "status": "ready", "tenants": { "behind": upgrade.behind(), "failed": upgrade.failed() }
        })),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            HttpResponse::ServiceUnavailable()
                .json(json!({ "status": "unavailable", "reason": "the control plane's database does not answer" }))
        }
    }
}

/// Metrics in the text format of Prometheus.
pub async fn metrics(
    app: web::Data<App>,
    endpoint: web::Data<crate::graphql::Endpoint>,
    handle: web::Data<PrometheusHandle>,
) -> HttpResponse {
    endpoint.measure();
    ::metrics::gauge!("clientele_open_tenants").set(app.registry.open_count() as f64);
    let jobs = jobs(&app).await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render() + &jobs)
}

/// The work of the whole installation. It is not in the recorder, which would go on to tell of queues that are empty by
/// now, or of which another process took care.
async fn jobs(app: &App) -> String {
    let loads = match measures::load(app.registry.control()).await {
        Ok(loads) => loads,
        Err(error) => {
            tracing::warn!(error = error.log_line(), "the work that waits could not be counted");
            return String::new();
        }
    };
    gauge("clientele_jobs_waiting", loads.iter().map(|load| (&load.queue, load.waiting)))
        + &gauge("clientele_jobs_failed", loads.iter().map(|load| (&load.queue, load.failed)))
}

fn gauge<'a>(name: &str, values: impl Iterator<Item = (&'a String, i64)>) -> String {
    let lines = values.map(|(queue, value)| format!("{name}{{queue=\"{queue}\"}} {value}\n"));
    format!("# TYPE {name} gauge\n{}\n", lines.collect::<String>())
}

/// The metrics recorder of this process.
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new().install_recorder().unwrap_or_else(|_| {
                // if a host program has installed its own recorder, ours stays empty
                PrometheusBuilder::new().build_recorder().handle()
            })
        })
        .clone()
}
