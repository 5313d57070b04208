//! GraphQL over WebSocket by the protocol `graphql-transport-ws`, at `/graphql/ws`. Credentials come with
//! `connection_init`, never as cookies, so another site's page has none to send.

mod protocol;
mod socket;
mod stream;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use futures::future::BoxFuture;
use tenants::{Caller, TenantDb, error::Result};

use super::Endpoint;

/// Who asks, from the credential that `connection_init` brought.
pub type Authenticate = Box<dyn Fn(String) -> BoxFuture<'static, Result<(Arc<Caller>, TenantDb)>> + Send + Sync>;

/// Takes a connection over.
///
/// # Errors
/// When the request is no handshake of a WebSocket.
pub fn serve(
    endpoint: Arc<Endpoint>,
    request: &HttpRequest,
    body: web::Payload,
    authenticate: Authenticate,
) -> actix_web::Result<HttpResponse> {
    if !offers(request) {
        return Ok(HttpResponse::BadRequest().body(format!("Offer the sub-protocol {}.", protocol::NAME)));
    }
    let (response, session, stream) = actix_ws::handle_with_protocols(request, body, &[protocol::NAME])?;
    let stream = stream
        .max_frame_size(protocol::MAX_MESSAGE)
        .aggregate_continuations()
        .max_continuation_size(protocol::MAX_MESSAGE);
    actix_web::rt::spawn(socket::Socket::new(endpoint, session, authenticate).run(stream));
    Ok(response)
}

fn offers(request: &HttpRequest) -> bool {
    let offered = request.headers().get_all(actix_web::http::header::SEC_WEBSOCKET_PROTOCOL);
    offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == protocol::NAME)
}
