//! Budgets in headers: `RateLimit-Policy` and `RateLimit` according to version 10 of the IETF draft
//! (draft-ietf-httpapi-ratelimit-headers), and the three fields of its earlier versions, which more clients know.

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    web,
};
use tenants::{Caller, error::Result};

use crate::graphql::{Endpoint, Left};

/// Cost of a REST request, the same as a query for a hundred records.
const REST: u64 = 100;

/// Charges a REST request to its caller's budget; the answer shows what is left.
///
/// # Errors
/// `RATE_LIMITED`, with the time to wait.
pub fn charge(request: &HttpRequest, caller: &Caller) -> Result<()> {
    if let Some(endpoint) = request.app_data::<web::Data<Endpoint>>() {
        let left = endpoint.spend(caller, REST)?;
        request.extensions_mut().insert(left);
    }
    Ok(())
}

/// Adds the headers.
pub fn tell(headers: &mut HeaderMap, left: &Left) {
    let window = left.limit.div_ceil(left.per_second.max(1));
    put(headers, "ratelimit-policy", &format!("\"points\";q={};w={window}", left.limit));
    put(headers, "ratelimit", &format!("\"points\";r={};t={}", left.remaining, left.reset));
    put(headers, "ratelimit-limit", &left.limit.to_string());
    put(headers, "ratelimit-remaining", &left.remaining.to_string());
    put(headers, "ratelimit-reset", &left.reset.to_string());
}

/// Adds the time to wait from an error's facts and, if a budget is used up, its headers.
pub fn tell_wait(headers: &mut HeaderMap, fact: impl Fn(&str) -> Option<u64>) {
    let Some(millis) = fact("retryAfterMs") else { return };
    let seconds = millis.div_ceil(1_000);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    if let (Some(limit), Some(per_second)) = (fact("points"), fact("pointsPerSecond")) {
        tell(headers, &Left { limit, per_second, remaining: 0, reset: seconds });
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
