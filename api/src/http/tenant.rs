//! The GraphQL door of an organisation, at `/t/{slug}/graphql` and, by the credential alone, at `/graphql`.

use actix_web::{HttpRequest, HttpResponse, web};
use tenants::Origin;

use super::{authenticate, refuse};
use crate::{app::App, graphql};

/// Answers queries and mutations.
pub async fn graphql(
    app: web::Data<App>,
    door: web::Data<graphql::Door>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    match authenticate(&app, &request, request.match_info().get("slug"), Origin::Graphql).await {
        Ok((caller, db)) => graphql::handle(&door, caller, db, &request, body).await,
        Err(error) => refuse(&request, &error),
    }
}

/// The schema of the caller's organisation, in GraphQL's schema definition language.
pub async fn schema(app: web::Data<App>, door: web::Data<graphql::Door>, request: HttpRequest) -> HttpResponse {
    let sdl = async {
        let (caller, db) = authenticate(&app, &request, request.match_info().get("slug"), Origin::Graphql).await?;
        door.sdl(caller, db).await
    };
    match sdl.await {
        Ok(sdl) => HttpResponse::Ok().content_type("application/graphql; charset=utf-8").body(sdl),
        Err(error) => refuse(&request, &error),
    }
}
