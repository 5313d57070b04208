//! The plain HTTP address beside the TLS one: it only redirects.

use std::net::SocketAddr;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    http::{header, uri::Authority},
    web,
};
use tenants::{Code, Error, error::Result};

/// Redirects everybody who uses `from` to HTTPS at a port; returns how to stop it.
///
/// # Errors
/// If the address is in use.
pub fn serve(from: SocketAddr, port: u16) -> Result<ServerHandle> {
    let server: Server =
        HttpServer::new(move || App::new().app_data(web::Data::new(port)).default_service(web::to(elsewhere)))
            .workers(1)
            .disable_signals()
            .bind(from)
            .map_err(|error| {
                Error::new(
                    Code::BadRequest,
                    format!("Cannot listen on {from}: {error}; choose another `redirect_from`."),
                )
            })?
            .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// 308 keeps the method, so that a POST is not repeated as a GET.
async fn elsewhere(request: HttpRequest, port: web::Data<u16>) -> HttpResponse {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(host) = host else { return HttpResponse::BadRequest().finish() };
    let port = if **port == 443 { String::new() } else { format!(":{}", **port) };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let address = format!("https://{}{port}{path}", host.host());
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, address)).finish()
}
