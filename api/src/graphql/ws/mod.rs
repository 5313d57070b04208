//! GraphQL over WebSocket with the protocol `graphql-transport-ws`, at `/graphql/ws`. Credentials come with
//! `connection_init`, never as cookies, so a page of another site has none to send.

mod protocol;
mod socket;
mod stream;

use std::{sync::Arc, time::Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use entities::ids::UserId;
use futures::future::BoxFuture;
use tenants::{Caller, TenantDb, error::Result};

use super::Endpoint;

/// Who a credential in `connection_init` belongs to: as things stood at this instant or later, or lately.
pub type Authenticate = Box<dyn Fn(String, Option<Instant>) -> BoxFuture<'static, Result<Authenticated>> + Send + Sync>;

/// Somebody who may use a connection.
pub struct Authenticated {
    pub caller: Arc<Caller>,
    pub db: TenantDb,
    /// The person behind a session.
    pub user: Option<UserId>,
    /// Seconds since 1970 after which the credential has expired.
    pub expires: i64,
}

/// Accepts a connection.
///
/// # Errors
/// If the request is not a WebSocket handshake.
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
