//! `/account/…`: the pages that links in emails lead to. Each is a form that works without the console. Tokens are in
//! the part after `#`, which never reaches a server's log.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web,
};

/// The page names in links.
pub const NAMES: [&str; 5] = ["confirm", "recover", "forgotten", "email", "invitation"];

/// The files that the pages load.
const PARTS: [(&str, &str, &str); 4] = [
    ("page.js", SCRIPT, include_str!("pages/page.js")),
    ("ask.js", SCRIPT, include_str!("pages/ask.js")),
    ("words.js", SCRIPT, include_str!("pages/words.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("pages/page.css")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Only our own scripts and style, and our own endpoint; no other source, and no frames.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    for name in NAMES {
        config.route(&format!("/account/{name}"), web::get().to(page));
        // some mail scanners ask for the head of a link alone
        config.route(&format!("/account/{name}"), web::head().to(page));
    }
    for (name, media_type, body) in PARTS {
        config.route(&format!("/account/{name}"), web::get().to(async move || answer(media_type, body)));
    }
}

async fn page() -> HttpResponse {
    answer("text/html; charset=utf-8", include_str!("pages/page.html"))
}

fn answer(media_type: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .body(body)
}
