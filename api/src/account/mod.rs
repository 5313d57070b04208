//! `POST /graphql/account`: signing up and in, the same schema for everybody.

mod model;
mod schema;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use async_graphql::{EmptySubscription, Schema};
use futures::StreamExt;
pub use schema::{Mutation, Query, build};
use serde::Deserialize;
use tenants::{Code, Error, error::Result};

use crate::http::{bearer, refuse};

/// The schema of the account endpoint.
pub type AccountSchema = Schema<Query, Mutation, EmptySubscription>;

/// Largest body, bytes.
const BODY: usize = 64 * 1024;

/// The bearer credential of the request, if any.
pub struct Bearer(pub Option<String>);

/// A request as the GraphQL-over-HTTP specification has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: serde_json::Map<String, serde_json::Value>,
}

/// Answers one request.
pub async fn handle(schema: web::Data<AccountSchema>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let document = match read(&request, body).await {
        Ok(document) => document,
        Err(error) => return refuse(&request, &error),
    };
    let mut asked = async_graphql::Request::new(document.query)
        .variables(async_graphql::Variables::from_json(document.variables.into()))
        .data(Bearer(bearer(request.headers()).map(str::to_owned)));
    if let Some(name) = document.operation_name {
        asked = asked.operation_name(name);
    }
    HttpResponse::Ok().json(schema.execute(asked).await)
}

async fn read(request: &HttpRequest, mut body: web::Payload) -> Result<Document> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return Err(Error::of(Code::UnsupportedMediaType));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Error::of(Code::BadRequest).caused_by(error.to_string()))?;
        if bytes.len() + chunk.len() > BODY {
            return Err(Error::new(Code::PayloadTooLarge, "The request is larger than 64 kB."));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::new(Code::BadRequest, format!("The body is not a GraphQL request in JSON: {error}.")))
}
