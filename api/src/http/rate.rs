//! What is left of a budget, told in headers: `RateLimit-Policy` and `RateLimit` as version 10 of the IETF's draft has
//! them (draft-ietf-httpapi-ratelimit-headers), and the three fields of its earlier versions, which more clients know.

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    web,
};
use tenants::{Caller, error::Result};

use crate::graphql::{Endpoint, Left};

/// Points of a REST request, as many as those of a query for a hundred records.
const REST: u64 = 100;

/// Takes the points of a REST request from its caller's budget; the answer tells what is left.
///
/// # Errors
/// `RATE_LIMITED`, saying after how long there is enough.
pub fn charge(request: &HttpRequest, caller: &Caller) -> Result<()> {
    if let Some(endpoint) = request.app_data::<web::Data<Endpoint>>() {
        let left = endpoint.spend(caller, REST)?;
        request.extensions_mut().insert(left);
    }
    Ok(())
}

/// Tells what is left.
pub fn tell(headers: &mut HeaderMap, left: &Left) {
    let window = left.limit.div_ceil(left.per_second.max(1));
    put(headers, "ratelimit-policy", &format!("\"points\";q={};w={window}", left.limit));
    put(headers, "ratelimit", &format!("\"points\";r={};t={}", left.remaining, left.reset));
    put(headers, "ratelimit-limit", &left.limit.to_string());
    put(headers, "ratelimit-remaining", &left.remaining.to_string());
    put(headers, "ratelimit-reset", &left.reset.to_string());
}

/// Says when to come again, by the facts of an error; and of which budget nothing is left, where it was one.
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
