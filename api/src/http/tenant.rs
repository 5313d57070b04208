//! The GraphQL endpoint of an organisation, at `/t/{slug}/graphql` and, with the credential alone, at `/graphql`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tenants::Origin;

use super::{Cors, RequestId, RequestInfo, authenticate, caller, client_info, cors, rate, refuse};
use crate::{
    app::App,
    graphql::{
        self,
        ws::{Authenticate, Authenticated},
    },
};

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
    let authenticate: Authenticate = Box::new(move |credential, since| {
        let (app, slug, id, client) = (Arc::clone(&app), slug.clone(), id.clone(), client.clone());
        let page = page.clone();
        Box::pin(async move {
            let principal = match since {
                None => app.identity.authenticate(&credential, &client).await?,
                Some(since) => app.identity.authenticate_since(since, &credential, &client).await?,
            };
            if let Some((origin, cors)) = page {
                let listed = match since {
                    None => cors.origins.allow(principal.tenant, &origin).await?,
                    Some(since) => cors.origins.allow_since(since, principal.tenant, &origin).await?,
                };
                if !listed {
                    return Err(cors::not_listed(&origin));
                }
            }
            let (user, expires) = (principal.user, principal.expires);
            let info = RequestInfo { request: id, client };
            let (caller, db) = caller(&app, principal, slug.as_deref(), Origin::Graphql, None, info)?;
            Ok(Authenticated { caller, db, user, expires })
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
