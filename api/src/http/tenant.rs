//! The GraphQL endpoint of an organisation, at `/t/{slug}/graphql` and, with the credential alone, at `/graphql`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tenants::Origin;

use super::{Cors, RequestId, RequestInfo, authenticate, caller, client_info, cors, rate, refuse};
use crate::{app::App, graphql};

/// Answers queries and mutations.
pub async fn graphql(
    app: web::Data<App>,
    endpoint: web::Data<graphql::Endpoint>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    match authenticate(&app, &request, request.match_info().get("slug"), Origin::Graphql).await {
        Ok((caller, db)) => graphql::handle(&endpoint, caller, db, &request, body).await,
        Err(error) => refuse(&request, &error),
    }
}

/// Accepts a connection for subscriptions; its credential comes with its first message.
pub async fn socket(
    app: web::Data<App>,
    endpoint: web::Data<graphql::Endpoint>,
    request: HttpRequest,
    body: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let slug = request.match_info().get("slug").map(str::to_owned);
    let id = RequestId::of(&request);
    let client = client_info(&request);
    let page = cors::foreign(&request).zip(request.app_data::<web::Data<Cors>>().cloned());
    let app = app.into_inner();
    let authenticate: graphql::ws::Authenticate = Box::new(move |credential| {
        let (app, slug, id, client) = (Arc::clone(&app), slug.clone(), id.clone(), client.clone());
        let page = page.clone();
        Box::pin(async move {
            let principal = app.identity.authenticate(&credential, &client).await?;
            if let Some((origin, cors)) = page
                && !cors.origins.allow(principal.tenant, &origin).await?
            {
                return Err(cors::not_listed(&origin));
            }
            caller(&app, principal, slug.as_deref(), Origin::Graphql, None, RequestInfo { request: id, client })
        })
    });
    graphql::ws::serve(endpoint.into_inner(), &request, body, authenticate)
}

/// The schema of the caller's organisation, in GraphQL's schema definition language.
pub async fn schema(app: web::Data<App>, endpoint: web::Data<graphql::Endpoint>, request: HttpRequest) -> HttpResponse {
    let sdl = async {
        let (caller, db) = authenticate(&app, &request, request.match_info().get("slug"), Origin::Graphql).await?;
        rate::charge(&request, &caller)?;
        endpoint.sdl(caller, db).await
    };
    match sdl.await {
        Ok(sdl) => HttpResponse::Ok().content_type("application/graphql; charset=utf-8").body(sdl),
        Err(error) => refuse(&request, &error),
    }
}
