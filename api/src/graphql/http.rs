//! GraphQL over HTTP, by the working draft of its specification: what is taken, what is answered, with which status.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web,
};
use futures::StreamExt;
use serde_json::{Map, Value as Json, json};
use tenants::{Caller, TenantDb, error::Code};

use super::{
    Answer, Endpoint, Request,
    errors::{GraphqlError, Refusal},
};
use crate::http::rate;

/// Largest body, bytes.
const MAX_BODY: usize = 1024 * 1024;

/// What the client can read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells.
    Response,
    /// `application/json`, asked for: 200 for every request that was understood as one.
    Json,
    /// Anything: `application/json`, and the status tells.
    Any,
}

/// Answers one request of a caller.
pub async fn handle(
    endpoint: &Endpoint,
    caller: Arc<Caller>,
    db: TenantDb,
    request: &HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let (media, asked) = match read(request, body).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    match endpoint.respond(caller, db, &asked, request.method() != Method::GET).await {
        Ok(answer) => ran(media, answer),
        Err(refusal) => refuse(media, &refusal),
    }
}

/// What is asked, and what the client can read; or the answer to what is no request.
///
/// # Errors
/// The answer that says why.
pub async fn read(request: &HttpRequest, body: web::Payload) -> Result<(Media, Request), HttpResponse> {
    let Some(media) = media(request.headers()) else {
        let message = "Answers are application/graphql-response+json or application/json.";
        return Err(refuse(Media::Any, &Refusal { status: 406, ..Refusal::bad_request(message) }));
    };
    let asked = match *request.method() {
        Method::GET => from_query(request.query_string()),
        _ => from_body(request.headers(), body).await,
    };
    match asked {
        Ok(asked) => Ok((media, asked)),
        // No document at all: the status stands, also for those who expect 200 whatever a document says.
        Err(refusal) if media == Media::Json => Err(refuse(Media::Any, &refusal)),
        Err(refusal) => Err(refuse(media, &refusal)),
    }
}

fn ran(media: Media, answer: Answer) -> HttpResponse {
    let left = answer.price.left;
    let mut body = answer.body;
    // The answer is an object; what it cost is told beside its data.
    if body.pop().is_some() {
        body.extend_from_slice(b",\"extensions\":");
        body.extend_from_slice(json!({ "cost": answer.price.to_json() }).to_string().as_bytes());
        body.push(b'}');
    }
    let mut response = respond(media, StatusCode::OK, body);
    rate::tell(response.headers_mut(), &left);
    rate::tell_wait(response.headers_mut(), |fact| answer.wait.filter(|_| fact == "retryAfterMs"));
    response
}

/// The answer to a document that does not run.
pub fn refuse(media: Media, refusal: &Refusal) -> HttpResponse {
    let errors: Vec<Json> = refusal.errors.iter().map(GraphqlError::to_json).collect();
    let status = match (media, refusal.status) {
        (Media::Json, 400) if !refusal.malformed => StatusCode::OK,
        (_, status) => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let mut response = respond(media, status, json!({ "errors": errors }).to_string().into_bytes());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(error) = refusal.errors.first() {
        rate::tell_wait(response.headers_mut(), |fact| error.extensions.get(fact)?.as_u64());
    }
    response
}

/// An answer in the media type that the client reads.
pub fn respond(media: Media, status: StatusCode, body: Vec<u8>) -> HttpResponse {
    let content_type = match media {
        Media::Response => "application/graphql-response+json; charset=utf-8",
        Media::Json | Media::Any => "application/json; charset=utf-8",
    };
    HttpResponse::build(status).content_type(content_type).insert_header((header::VARY, "Accept")).body(body)
}

/// What the client would like best of what there is; nothing where it can read neither.
fn media(headers: &HeaderMap) -> Option<Media> {
    let accept: Vec<&str> = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    if accept.is_empty() {
        return Some(Media::Any);
    }
    let mut best: Option<(f32, Media)> = None;
    for range in accept.iter().flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/graphql-response+json" => Media::Response,
            "application/json" => Media::Json,
            "*/*" | "application/*" => Media::Any,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if quality > 0.0 && best.is_none_or(|(known, _)| quality > known) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media)
}

/// A request in the address, as forms write it.
fn from_query(query: &str) -> Result<Request, Refusal> {
    let mut fields = Map::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let json = match &*key {
            "query" | "operationName" => Json::from(value.as_ref()),
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|_| Refusal::bad_request(format!("The parameter `{key}` is not JSON.")))?,
            _ => continue,
        };
        fields.insert(key.into_owned(), json);
    }
    understood(fields)
}

async fn from_body(headers: &HeaderMap, body: web::Payload) -> Result<Request, Refusal> {
    let mut request = match json_body(headers, body).await? {
        Json::Object(fields) => understood(fields)?,
        Json::Array(_) => {
            return Err(Refusal::bad_request("Batches are not taken; send one request at a time, or one document."));
        }
        _ => return Err(Refusal::bad_request("The body is not an object with a `query`.")),
    };
    request.idempotency = idempotency_key(headers)?;
    Ok(request)
}

/// A body of JSON.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `BAD_REQUEST`.
pub async fn json_body(headers: &HeaderMap, mut body: web::Payload) -> Result<Json, Refusal> {
    is_json(headers)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("The body broke off."))?;
        if bytes.len() + chunk.len() > MAX_BODY {
            let message = format!("The body is larger than {MAX_BODY} bytes.");
            return Err(Refusal::with_status(413, Code::PayloadTooLarge, message));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| Refusal::not_json(format!("The body is not JSON: {error}.")))
}

/// Only JSON is taken: a page of another site can send forms and plain text without being asked, but not this.
fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|kind| kind == "application/json");
    let utf8 = parts.all(|part| {
        part.strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8" || charset == "utf8")
    });
    if json && utf8 {
        return Ok(());
    }
    Err(Refusal::with_status(415, Code::UnsupportedMediaType, Code::UnsupportedMediaType.message()))
}

/// The `Idempotency-Key` of a request.
///
/// # Errors
/// `BAD_REQUEST` for one that is too long or no plain text.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Refusal::bad_request("`Idempotency-Key` is a text of 1 to 255 ASCII characters.")),
    }
}

/// A request from its parameters.
pub fn understood(mut fields: Map<String, Json>) -> Result<Request, Refusal> {
    let wrong = |name: &str, what: &str| Refusal::bad_request(format!("The parameter `{name}` must be {what}."));
    let query = match fields.remove("query") {
        Some(Json::String(query)) => query,
        Some(_) => return Err(wrong("query", "a text")),
        None => return Err(Refusal::bad_request("The parameter `query` is missing.")),
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(wrong("operationName", "a text")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(variables)) => variables,
        Some(_) => return Err(wrong("variables", "an object")),
    };
    match fields.remove("extensions") {
        None | Some(Json::Null | Json::Object(_)) => {}
        Some(_) => return Err(wrong("extensions", "an object")),
    }
    Ok(Request { query, operation_name, variables, idempotency: None })
}
