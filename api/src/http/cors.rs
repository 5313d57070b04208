//! Pages of other origins: each organisation lists the origins whose pages may call its endpoints. A preflight brings
//! no credential: under `/t/{slug}/` it is answered by that organisation's list, on the short paths by all lists
//! together. The request itself is checked against the list of its credential's organisation. Credentials are bearer
//! tokens alone; browsers never send cookies.

use actix_web::{
    Error as ActixError, HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};
use entities::ids::TenantId;
use tenants::{Code, Error, error::Result, origins::Origins};

use super::{host, refuse};

/// How long a browser caches a preflight's answer, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const HEADERS: HeaderValue =
    HeaderValue::from_static("accept, accept-language, authorization, content-type, idempotency-key, x-request-id");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "location, ratelimit, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id",
);

/// Decides about origins.
pub struct Cors {
    /// The lists of the organisations.
    pub origins: Origins,
    /// The public address of the installation, for proxies that change the host.
    pub own: Option<String>,
}

/// An origin that the request's organisation lists.
#[derive(Clone)]
struct Allowed;

/// Answers preflights, and tells browsers which answers their pages may read.
pub async fn cors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, ActixError> {
    let Some(origin) = foreign(request.request()) else { return Ok(next.call(request).await?.map_into_boxed_body()) };
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if preflight {
        let answer = match listed(request.request(), &origin).await {
            Ok(true) => {
                let mut answer = HttpResponse::NoContent().finish();
                admit(answer.headers_mut(), &origin);
                answer
            }
            Ok(false) => refuse(request.request(), &not_listed(&origin)),
            Err(error) => refuse(request.request(), &error),
        };
        return Ok(request.into_response(answer));
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    // before authentication, as in a preflight: the page may read why it was refused
    let known = response.request().extensions().get::<Allowed>().is_some();
    if known || response.status().as_u16() == 401 && listed(response.request(), &origin).await.unwrap_or(false) {
        admit(response.headers_mut(), &origin);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    Ok(response)
}

/// Refuses a request from a page whose origin the organisation does not list.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn check_origin(request: &HttpRequest, tenant: TenantId) -> Result<()> {
    let Some(origin) = foreign(request) else { return Ok(()) };
    let Some(cors) = request.app_data::<web::Data<Cors>>() else { return Err(not_listed(&origin)) };
    if !cors.origins.allow(tenant, &origin).await? {
        return Err(not_listed(&origin));
    }
    request.extensions_mut().insert(Allowed);
    Ok(())
}

/// The origin of a page that is not ours.
pub fn foreign(request: &HttpRequest) -> Option<String> {
    let origin = request.headers().get(header::ORIGIN)?;
    let Ok(origin) = origin.to_str() else { return Some("?".to_owned()) };
    let own = request.app_data::<web::Data<Cors>>().and_then(|cors| cors.own.as_deref());
    let here = origin.split_once("://").is_some_and(|(_, at)| at.eq_ignore_ascii_case(&host(request)));
    (!here && own != Some(origin)).then(|| origin.to_owned())
}

/// Whether a preflight is allowed.
async fn listed(request: &HttpRequest, origin: &str) -> Result<bool> {
    let Some(cors) = request.app_data::<web::Data<Cors>>() else { return Ok(false) };
    let path = request.path();
    if let Some((slug, _)) = path.strip_prefix("/t/").and_then(|rest| rest.split_once('/')) {
        return cors.origins.allow_slug(slug, origin).await;
    }
    if path == "/graphql" || path.starts_with("/api/") { cors.origins.any(origin).await } else { Ok(false) }
}

fn admit(headers: &mut HeaderMap, origin: &str) {
    let Ok(origin) = HeaderValue::from_str(origin) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
}

/// The error for a page of an origin that is not listed.
pub fn not_listed(origin: &str) -> Error {
    let message = format!(
        "Pages of {origin:.100} may not call this organisation's endpoints. Use `updateSecuritySettings` to list origins."
    );
    Error::new(Code::Forbidden, message)
}
