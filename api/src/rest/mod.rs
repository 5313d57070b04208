//! The REST endpoints, for what works better with files and addresses than with GraphQL.

mod imports;
mod once;
mod picture;

use actix_web::{HttpRequest, web};
use records::{Ctx, engine};
use tenants::{
    Origin,
    error::{Code, Result},
};

use crate::{app::App, http};

/// Adds the routes, under the short address and under the organisation's.
pub fn routes(config: &mut web::ServiceConfig) {
    let picture = web::resource("/api/account/picture");
    config.service(picture.put(picture::put).get(picture::get).delete(picture::delete));
    for base in ["/api/imports", "/t/{slug}/api/imports"] {
        config
            .route(base, web::post().to(imports::begin))
            .route(&format!("{base}/preview"), web::post().to(imports::preview))
            .route(&format!("{base}/{{id}}"), web::get().to(imports::show))
            .route(&format!("{base}/{{id}}/errors"), web::get().to(imports::errors))
            .route(&format!("{base}/{{id}}/cancel"), web::post().to(imports::cancel))
            .route(&format!("{base}/{{id}}/undo"), web::post().to(imports::undo));
    }
}

/// The context of an authenticated request, with the present catalog.
async fn ctx(app: &App, request: &HttpRequest) -> Result<Ctx> {
    let slug = request.match_info().get("slug");
    let (caller, db) = http::authenticate(app, request, slug, Origin::Rest).await?;
    http::rate::charge(request, &caller)?;
    let ctx = Ctx::open(caller, db, app.rules.clone()).await?;
    match engine::verify(&ctx).await {
        Err(error) if error.code() == Code::StaleCatalog => ctx.refreshed().await,
        Err(error) => Err(error),
        Ok(()) => Ok(ctx),
    }
}
