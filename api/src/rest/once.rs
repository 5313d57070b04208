//! Answers REST writes once per `Idempotency-Key`: a repetition gets the first answer, with the same engine as for
//! GraphQL.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
};
use records::{
    Ctx,
    engine::idempotency::{self, Begun},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenants::{
    Kind,
    error::{Code, Error, Result},
};

use crate::http;

/// An answer that can be stored and repeated.
#[derive(Serialize, Deserialize)]
pub struct Reply {
    status: u16,
    location: Option<String>,
    body: Value,
}

impl Reply {
    /// The request is done.
    pub fn done(body: Value) -> Self {
        Self { status: 200, location: None, body }
    }

    /// The request has started; the address shows its progress.
    pub fn accepted(body: Value, location: String) -> Self {
        Self { status: 202, location: Some(location), body }
    }

    fn refused(ctx: &Ctx, error: &Error) -> Self {
        let body = json!({ "errors": [http::error_body(error, &ctx.caller.locale, &ctx.caller.request)] });
        Self { status: error.code().kind().status(), location: None, body }
    }

    /// As an HTTP answer.
    pub fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        response.json(self.body)
    }
}

/// Does the work of a request, unless it has a key that was answered before. `body` is a hash of the body, which
/// distinguishes another request with the same key.
///
/// # Errors
/// Those of the work; `IDEMPOTENCY_MISMATCH`; `CONFLICT` while the first request is still running.
pub async fn once(
    ctx: &Ctx,
    request: &HttpRequest,
    body: &[u8],
    work: impl AsyncFnOnce(&Ctx) -> Result<Reply>,
) -> Result<Reply> {
    let Some(key) = request.headers().get("idempotency-key") else { return work(ctx).await };
    let key = key.to_str().map_err(|_| Error::new(Code::BadRequest, "`Idempotency-Key` must be plain ASCII."))?;
    let (db, caller) = (&ctx.db, &ctx.caller);
    if let Begun::Repeated(kept) = idempotency::begin(db, caller, key, &hash(request, body)).await? {
        return serde_json::from_str(&kept).map_err(Error::internal);
    }
    let marked = Ctx { db: db.marked(idempotency::mark(caller, key)), ..ctx.clone() };
    let reply = match work(&marked).await {
        Ok(reply) => reply,
        Err(error) if matches!(error.code().kind(), Kind::Internal | Kind::Unavailable) => {
            idempotency::abandon(db, caller, key).await?;
            return Err(error);
        }
        Err(error) => Reply::refused(ctx, &error),
    };
    let kept = serde_json::to_string(&reply).map_err(Error::internal)?;
    // the write is committed, so it is answered even if the answer cannot be stored
    if let Err(error) = idempotency::finish(db, caller, key, kept).await {
        tracing::error!(request.id = %caller.request, error = error.log_line(), "an answer could not be stored");
    }
    Ok(reply)
}

/// Identifies a request.
fn hash(request: &HttpRequest, body: &[u8]) -> String {
    let (method, path, query) = (request.method().as_str(), request.path(), request.query_string());
    idempotency::hash(&[method.as_bytes(), path.as_bytes(), query.as_bytes(), body])
}
