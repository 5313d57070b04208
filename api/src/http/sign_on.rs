//! `GET /t/{slug}/sign-on`: to the organisation's provider and back. The state in between is sealed in a cookie of the
//! browser that started, so no other browser can finish. The result is a session in a cookie (docs/protection.md).

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::ids::TenantId;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tenants::{
    Code, Error, TenantDb,
    error::Result,
    security_log::{self, Event, Kind},
    sign_on::{self, Reach, Waiting},
};

use super::{client_info, host, is_secure, refuse};
use crate::{
    account::{self, RateLimiter, session_cookie},
    app::App,
};

const COOKIE: &str = "clientele_sign_on";
/// The purpose that the cookie is sealed for.
const PURPOSE: &str = "sign-on on its way";
/// How long somebody may stay at the provider, microseconds.
const WITHIN: i64 = 10 * 60 * 1_000_000;

/// Settings of the installation.
pub struct SignOns {
    /// The public address, if it is configured.
    pub public: Option<String>,
    /// The HTTP client for providers.
    pub reach: Arc<Reach>,
}

#[derive(Serialize, Deserialize)]
struct OnTheWay {
    tenant: TenantId,
    begun: i64,
    waiting: Waiting,
}

/// The parameters that a provider sends back.
#[derive(Deserialize)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
}

/// Redirects the browser to the provider.
pub async fn begin(
    app: web::Data<App>,
    sign_ons: web::Data<SignOns>,
    asked: web::Data<RateLimiter>,
    request: HttpRequest,
) -> HttpResponse {
    let begun = async {
        begun_here(&request)?;
        account::charge(&asked, &client_info(&request), &request)?;
        let db = organisation(&app, &request).await?;
        let (url, waiting) =
            sign_on::provider(&db, callback(&sign_ons, &request), sign_ons.reach.clone()).await?.begin().await?;
        let now = app.registry.clock().micros();
        let way =
            serde_json::to_vec(&OnTheWay { tenant: db.tenant(), begun: now, waiting }).map_err(Error::internal)?;
        let sealed = BASE64_URL_SAFE_NO_PAD.encode(app.registry.master().seal(PURPOSE, &way)?);
        Ok::<_, Error>((url, sealed))
    };
    match begun.await {
        Ok((url, sealed)) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, url.as_str()))
            .cookie(cookie(&request, sealed, Duration::minutes(10)))
            .finish(),
        Err(error) => refuse(&request, &error),
    }
}

/// A page of another site may not start: it would sign somebody in who did not want to.
fn begun_here(request: &HttpRequest) -> Result<()> {
    let from = request.headers().get("sec-fetch-site").and_then(|from| from.to_str().ok());
    if from != Some("cross-site") {
        return Ok(());
    }
    let why = "A page of another site sent you here. To sign in, open this address yourself.";
    Err(Error::new(Code::Forbidden, why))
}

/// Handles the return from the provider, and opens a session.
pub async fn finish(
    app: web::Data<App>,
    sign_ons: web::Data<SignOns>,
    asked: web::Data<RateLimiter>,
    request: HttpRequest,
    back: web::Query<Back>,
) -> HttpResponse {
    let entered = async {
        account::charge(&asked, &client_info(&request), &request)?;
        let db = organisation(&app, &request).await?;
        let way = on_the_way(&app, &request, &db, &back)?;
        let entered = async {
            let code = back.code.as_deref().ok_or_else(|| refused("The provider did not let you in."))?;
            let provider = sign_on::provider(&db, callback(&sign_ons, &request), sign_ons.reach.clone()).await?;
            let proven = provider.finish(code, way.waiting).await?;
            records::sign_on::enter(&app.identity, app.rules.clone(), db.clone(), &proven, &client_info(&request)).await
        };
        match entered.await {
            Ok(signed) => Ok(signed),
            Err(error) => {
                note(&app, &db, &request, &error).await?;
                Err(error)
            }
        }
    };
    match entered.await {
        Ok(signed) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("{}/", base(&sign_ons, &request))))
            .insert_header((header::SET_COOKIE, session_cookie(Some(signed.refresh_token))))
            .cookie(cookie(&request, String::new(), Duration::ZERO))
            .finish(),
        Err(error) => refuse(&request, &error),
    }
}

/// Records in the organisation's log who came back from the provider and was refused.
async fn note(app: &App, db: &TenantDb, request: &HttpRequest, error: &Error) -> Result<()> {
    let failed = Event::new(Kind::SignInFailed).from(&client_info(request)).with("provider", true);
    security_log::note(db, failed.with("why", error.message()), app.registry.clock().micros()).await
}

/// The state that this browser started here a short time ago.
fn on_the_way(app: &App, request: &HttpRequest, db: &TenantDb, back: &Back) -> Result<OnTheWay> {
    let cookie = request.cookie(COOKIE);
    let sealed = cookie.and_then(|cookie| BASE64_URL_SAFE_NO_PAD.decode(cookie.value()).ok());
    let clear = sealed.and_then(|sealed| app.registry.master().unseal(PURPOSE, &sealed));
    let way = clear.and_then(|clear| serde_json::from_slice::<OnTheWay>(&clear).ok());
    let now = app.registry.clock().micros();
    let state = back.state.as_deref().unwrap_or_default();
    way.filter(|way| way.tenant == db.tenant() && (0..WITHIN).contains(&(now - way.begun)))
        .filter(|way| bool::from(way.waiting.state.as_bytes().ct_eq(state.as_bytes())))
        .ok_or_else(|| refused("This browser has not started to sign in here, or it was too long ago. Start again."))
}

async fn organisation(app: &App, request: &HttpRequest) -> Result<TenantDb> {
    let slug = request.match_info().get("slug").unwrap_or_default();
    let tenant =
        app.registry.by_slug(slug).await.map_err(|_| Error::new(Code::NotFound, "There is no such organisation."))?;
    app.registry.space(tenant.id).await
}

fn base(sign_ons: &SignOns, request: &HttpRequest) -> String {
    let scheme = if is_secure(request) { "https" } else { "http" };
    sign_ons.public.clone().unwrap_or_else(|| format!("{scheme}://{}", host(request)))
}

fn callback(sign_ons: &SignOns, request: &HttpRequest) -> String {
    let slug = request.match_info().get("slug").unwrap_or_default();
    format!("{}/t/{slug}/sign-on/callback", base(sign_ons, request))
}

/// Lax, because the browser comes back from the provider's site.
fn cookie(request: &HttpRequest, value: String, life: Duration) -> Cookie<'static> {
    let slug = request.match_info().get("slug").unwrap_or_default();
    let cookie = Cookie::build(COOKIE, value).path(format!("/t/{slug}/sign-on")).http_only(true);
    cookie.same_site(SameSite::Lax).secure(is_secure(request)).max_age(life).finish()
}

fn refused(why: &str) -> Error {
    Error::new(Code::Unauthenticated, why)
}
