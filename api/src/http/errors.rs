//! Errors as HTTP answers: for REST, and for requests that are refused before they run.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use serde_json::{Map, Value, json};
use tenants::{Code, Error, Kind, error::FieldIssue};

use super::{RequestId, language, rate};

/// Logs the internal details and answers the public part.
pub fn refuse(request: &HttpRequest, error: &Error) -> HttpResponse {
    let id = RequestId::of(request);
    if error.code().kind() == Kind::Internal {
        tracing::error!(request.id = %id, error = error.log_line(), "internal error");
    }
    let status = StatusCode::from_u16(error.code().kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let language = language(request.headers()).unwrap_or_else(|| "en".to_owned());
    let mut response = HttpResponse::build(status).json(json!({ "errors": [error_body(error, &language, &id)] }));
    rate::tell_wait(response.headers_mut(), |fact| error.details().get(fact)?.as_u64());
    response
}

/// An error as JSON: message and `extensions` with code, fields and facts.
pub fn error_body(error: &Error, language: &str, request: &str) -> Value {
    let mut extensions = Map::new();
    extensions.insert("code".to_owned(), error.code().name().into());
    if !error.fields().is_empty() {
        let fields: Vec<Value> = error.fields().iter().map(|issue| field_body(issue, language)).collect();
        extensions.insert("fields".to_owned(), fields.into());
    }
    for (key, value) in error.details() {
        extensions.insert(key.clone(), value.clone());
    }
    if error.code().kind() == Kind::Internal {
        extensions.insert("requestId".to_owned(), request.into());
    }
    json!({ "message": error.message(), "extensions": extensions })
}

/// A field error, in a language.
pub fn field_body(issue: &FieldIssue, language: &str) -> Value {
    json!({ "field": issue.field, "code": issue.issue.code(), "message": issue.issue.message(language) })
}

/// The answer for an unknown route.
pub async fn no_such_route(request: HttpRequest) -> HttpResponse {
    refuse(
        &request,
        &Error::new(Code::NotFound, format!("There is nothing at {} {}.", request.method(), request.path())),
    )
}
