//! The cookie of a known device. It opens nothing: it sets its owner apart from those who guess at the account.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use tenants::identity::{Identity, Visit};

use crate::http::{is_secure, visit};

const NAME: &str = "clientele_device";
const PATH: &str = "/graphql/account";

/// From where the request comes, with the device that its cookie proves.
pub fn known(identity: &Identity, request: &HttpRequest) -> Visit {
    let token = request.cookie(NAME);
    visit(request).on(token.and_then(|cookie| identity.device(cookie.value())))
}

/// How the cookie is set here.
#[derive(Clone, Copy)]
pub struct Jar {
    secure: bool,
}

impl Jar {
    /// For the answer to a request.
    pub fn of(request: &HttpRequest) -> Self {
        Self { secure: is_secure(request) }
    }

    /// The header that makes the device known.
    pub fn set(self, token: String) -> String {
        let cookie = Cookie::build(NAME, token).path(PATH).http_only(true).same_site(SameSite::Strict);
        cookie.secure(self.secure).max_age(Duration::days(365)).finish().to_string()
    }
}
