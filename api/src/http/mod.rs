//! The HTTP server: routes, request ids, and what every answer has in common.

mod context;
pub mod cors;
mod errors;
mod headers;
mod ops;
mod proxies;
pub mod rate;
mod redirect;
pub mod sign_on;
mod tenant;
mod tls;
mod upgrade;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App as Actix, HttpServer, dev::ServerHandle, web};
use jobs::Workers;
use tenants::{Code, Error, error::Result, origins::Origins, sign_on::Reach};

pub use context::{RequestId, RequestInfo, authenticate, bearer, caller, language, observe};
pub use cors::Cors;
pub use errors::{error_body, field_body, refuse};
pub use proxies::{Proxies, client_info, host, is_secure};

use crate::{
    app::App,
    config::Config,
    emails::{self, EmailSender},
};
use tls::Certificates;

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// It speaks TLS.
    pub secure: bool,
    handle: ServerHandle,
    redirect: Option<ServerHandle>,
    workers: Workers,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Starts serving and working.
///
/// # Errors
/// When the address is taken.
pub async fn serve(app: App, config: &Config) -> Result<Server> {
    // Each open SQLite file takes up to nine descriptors; what the system grants by itself is often but a thousand.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let metrics = ops::recorder();
    let state = web::Data::new(app.clone());
    let account = web::Data::new(crate::account::build(app.identity.clone(), app.rules.clone()));
    let upgrade = web::Data::new(upgrade::Upgrade::default());
    let sweep = upgrade.clone();
    let budget = crate::graphql::Budget { points: config.graphql_points, per_second: config.graphql_points_per_second };
    let public = config.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let reach = Arc::new(Reach::new(&config.sign_on_networks.0)?);
    let sign_ons = web::Data::new(sign_on::SignOns { public, reach });
    let asked = web::Data::new(crate::account::RateLimiter::default());
    let proxies = web::Data::new(Proxies::new(config));
    let own = config.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let cors = web::Data::new(Cors {
        origins: Origins::new(app.registry.control().clone()),
        own: own.map(|url| url.origin().ascii_serialization()),
    });
    let table = Arc::new(crate::graphql::Table::of_release()?);
    let endpoint = web::Data::new(crate::graphql::Endpoint::new(Arc::clone(&app.rules), budget, Arc::clone(&table)));
    let server = HttpServer::new(move || {
        Actix::new()
            .app_data(state.clone())
            .app_data(account.clone())
            .app_data(endpoint.clone())
            .app_data(upgrade.clone())
            .app_data(proxies.clone())
            .app_data(cors.clone())
            .app_data(asked.clone())
            .app_data(sign_ons.clone())
            .app_data(web::Data::new(metrics.clone()))
            .wrap(actix_web::middleware::from_fn(cors::cors))
            .wrap(actix_web::middleware::from_fn(context::observe))
            .configure(routes)
            .configure(|config| crate::graphql::rest::routes(config, &table))
            .default_service(web::to(errors::no_such_route))
    })
    .workers(std::thread::available_parallelism().map_or(2, usize::from))
    .shutdown_timeout(20)
    .disable_signals()
    .client_request_timeout(Duration::from_secs(10));
    let certificates = match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Some(Certificates::read(cert, key)?),
        _ => None,
    };
    let server = match &certificates {
        Some(certificates) => server.bind_rustls_0_23(config.listen, certificates.config()?),
        None => server.bind(config.listen),
    };
    let server = server.map_err(|error| {
        Error::new(
            Code::BadRequest,
            format!("Cannot listen on {}: {error}; choose another address with `--listen`.", config.listen),
        )
    })?;
    // port 0 lets the system choose; links in emails then lead to its choice
    let address = server.addrs().first().copied().unwrap_or(config.listen);
    let config = &Config { listen: address, ..config.clone() };
    let emails = Arc::new(EmailSender::new(config)?);
    config.warn();
    if let Some(certificates) = &certificates {
        certificates.reload_on_change()?;
    }
    sweep.start(app.registry.clone());
    let redirect = config.redirect_from.map(|from| redirect::serve(from, address.port())).transpose()?;
    let running = server.run();
    let handle = running.handle();
    let workers = {
        let (handlers, system_jobs) = (app.handlers(&emails), emails::system_jobs(&app, emails));
        Workers::start(app.registry.clone(), handlers, system_jobs, config.workers)
    };
    Ok(Server { address, secure: certificates.is_some(), handle, redirect, workers, ended: tokio::spawn(running) })
}

impl Server {
    /// Serves until `end` resolves, then finishes what it has in hand: requests first, jobs next.
    pub async fn until(self, end: impl Future<Output = ()>) {
        end.await;
        tracing::info!("stopping: requests and jobs in hand are finished");
        self.stop(true).await;
    }

    /// Stops. Requests in hand are answered first, or else dropped; jobs in hand are finished.
    pub async fn stop(self, answer: bool) {
        if let Some(redirect) = self.redirect {
            redirect.stop(false).await;
        }
        self.handle.stop(answer).await;
        self.workers.stop().await;
        match self.ended.await {
            Ok(Ok(())) => tracing::info!("stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(error) => tracing::error!(%error, "the server ended badly"),
        }
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(ops::healthz))
        .route("/readyz", web::get().to(ops::readyz))
        .route("/metrics", web::get().to(ops::metrics))
        .route("/graphql/account", web::post().to(crate::account::handle))
        .route("/graphql", web::get().to(tenant::graphql))
        .route("/graphql", web::post().to(tenant::graphql))
        .route("/t/{slug}/graphql", web::get().to(tenant::graphql))
        .route("/t/{slug}/graphql", web::post().to(tenant::graphql))
        .route("/graphql/ws", web::get().to(tenant::socket))
        .route("/t/{slug}/graphql/ws", web::get().to(tenant::socket))
        .route("/t/{slug}/sign-on", web::get().to(sign_on::begin))
        .route("/t/{slug}/sign-on/callback", web::get().to(sign_on::finish))
        .route("/api/schema.graphql", web::get().to(tenant::schema))
        .route("/t/{slug}/api/schema.graphql", web::get().to(tenant::schema))
        .configure(crate::account::routes)
        .configure(crate::rest::routes);
}
