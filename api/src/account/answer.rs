//! Completes the answers of the account endpoint: field errors in the person's language, the time to wait in a header,
//! and a status for a document that could not be run.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use async_graphql::{Response, ServerError, Value};
use tenants::{
    Code, Error,
    error::{FieldIssue, Result},
};

use crate::{
    graphql::http::{self as wire, Media},
    http::field_body,
};

/// What the library does not carry of a service's error, on its way to the answer.
pub(super) struct Carried {
    pub fields: Vec<FieldIssue>,
    /// What only the log may contain, of an internal error.
    pub internal: Option<String>,
}

/// The answer in a language (ISO 639 code); `request` is the id for the log.
///
/// # Errors
/// If it cannot be written as JSON.
pub(super) fn respond(media: Media, mut answer: Response, language: &str, request: &str) -> Result<HttpResponse> {
    let mut refused = false;
    for error in &mut answer.errors {
        refused |= !complete(error, language, request);
    }
    let status = if refused && media != Media::Json { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut response = wire::respond(media, status, serde_json::to_vec(&answer).map_err(Error::internal)?);
    for (name, value) in answer.http_headers.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes()))
        {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(millis) = answer.errors.iter().filter_map(wait).max() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)));
    }
    Ok(response)
}

/// Completes an error, and returns whether it comes from a service; the others come from the library and concern the
/// document.
fn complete(error: &mut ServerError, language: &str, request: &str) -> bool {
    let carried = error.source::<Carried>().map(|carried| (carried.fields.clone(), carried.internal.clone()));
    let extensions = error.extensions.get_or_insert_default();
    let Some((fields, internal)) = carried else {
        let of_service = extensions.get("code").is_some();
        if !of_service {
            extensions.set("code", Code::GraphqlValidationFailed.name());
        }
        return of_service;
    };
    if !fields.is_empty() {
        let field = |issue| Value::from_json(field_body(issue, language)).unwrap_or_default();
        extensions.set("fields", Value::List(fields.iter().map(field).collect()));
    }
    if let Some(internal) = internal {
        tracing::error!(request.id = request, error = internal, "internal error");
        extensions.set("requestId", request);
    }
    true
}

fn wait(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get("retryAfterMs")? {
        Value::Number(millis) => millis.as_u64(),
        _ => None,
    }
}
