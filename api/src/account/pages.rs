//! `/account/…`: the pages that links in letters lead to. Each is one form, which works without anything else being
//! installed; a larger console may take their place. Tokens stand behind the `#` and never reach a server's log.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web,
};

/// The names in links, one page each.
pub const NAMES: [&str; 5] = ["confirm", "recover", "forgotten", "email", "invitation"];

/// Our own script and style, and our own endpoint; nothing from elsewhere, and no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    for name in NAMES {
        config.route(&format!("/account/{name}"), web::get().to(page));
    }
    config.route("/account/page.js", web::get().to(script)).route("/account/page.css", web::get().to(style));
}

async fn page() -> HttpResponse {
    answer("text/html; charset=utf-8", include_str!("pages/page.html"))
}

async fn script() -> HttpResponse {
    answer("text/javascript; charset=utf-8", include_str!("pages/page.js"))
}

async fn style() -> HttpResponse {
    answer("text/css; charset=utf-8", include_str!("pages/page.css"))
}

fn answer(media_type: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .body(body)
}
