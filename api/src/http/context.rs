//! The context of a request: its id, and its credential.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error as ActixError, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use tenants::{
    Caller, Code, Error, Origin, TenantDb,
    error::Result,
    identity::{ClientInfo, Principal},
};

use super::{client_info, cors, headers, is_secure, rate};
use crate::{app::App, graphql::Left};

/// Identifies a request in logs, history and answers.
#[derive(Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id of a request.
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default()
    }
}

/// Gives every request an id, and every answer a log line and a metric.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, ActixError> {
    let started = Instant::now();
    let id: Arc<str> = given_id(request.headers()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string()).into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let method = request.method().clone();
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let secure = is_secure(request.request());
    let mut response = next.call(request).await?;
    let left = response.request().extensions().get::<Left>().copied();
    let headers = response.headers_mut();
    if let Some(left) = left {
        rate::tell(headers, &left);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers::protect(headers, secure);
    let (status, seconds) = (response.status().as_u16(), started.elapsed().as_secs_f64());
    metrics::counter!("clientele_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("clientele_http_request_seconds", "route" => route.clone()).record(seconds);
    tracing::info!(request.id = %id, %method, route, status, duration_ms = seconds * 1000.0, "request");
    Ok(response)
}

/// An id chosen by the caller, if it is a simple word, because it is written to logs.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    ((1..=64).contains(&id.len()) && plain).then(|| id.to_owned())
}

/// The caller, from the `Authorization` header; `slug` is the organisation in the address, if there is one.
///
/// # Errors
/// `UNAUTHENTICATED` without a valid credential; `NOT_FOUND` if it is for another organisation than the address;
/// `FORBIDDEN` for a page whose origin the organisation does not list.
pub async fn authenticate(
    app: &App,
    request: &HttpRequest,
    slug: Option<&str>,
    origin: Origin,
) -> Result<(Arc<Caller>, TenantDb)> {
    let client = client_info(request);
    let bearer = bearer(request.headers()).ok_or_else(|| Error::of(Code::Unauthenticated))?;
    let principal = app.identity.authenticate(bearer, &client).await?;
    cors::check_origin(request, principal.tenant).await?;
    let language = language(request.headers());
    caller(app, principal, slug, origin, language, RequestInfo { request: RequestId::of(request), client })
}

/// What callers remember of a request.
pub struct RequestInfo {
    /// Its id.
    pub request: String,
    /// Its client.
    pub client: ClientInfo,
}

/// A caller, from a recognised credential.
///
/// # Errors
/// `NOT_FOUND` if the credential is for another organisation than `slug`.
pub fn caller(
    app: &App,
    principal: Principal,
    slug: Option<&str>,
    origin: Origin,
    language: Option<String>,
    info: RequestInfo,
) -> Result<(Arc<Caller>, TenantDb)> {
    let db = principal.db;
    if slug.is_some_and(|slug| slug != db.settings().slug) {
        return Err(Error::new(Code::NotFound, "There is no such organisation."));
    }
    let locale = language.unwrap_or_else(|| db.settings().language.clone());
    let caller = Caller {
        tenant: principal.tenant,
        actor: principal.actor,
        origin,
        access: principal.access,
        locale,
        clock: app.registry.clock().clone(),
        request: info.request,
        run: None,
        client: Some(Arc::new(info.client)),
        points_per_second: principal.points_per_second,
    };
    Ok((Arc::new(caller), db))
}

/// The first language that the client accepts and we support (ISO 639 code).
pub fn language(headers: &HeaderMap) -> Option<String> {
    let asked = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let spoken = |language: &&str| matches!(*language, "en" | "fr" | "es");
    asked.split(',').filter_map(|part| part.trim().get(..2)).find(spoken).map(str::to_owned)
}

/// The credential of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
