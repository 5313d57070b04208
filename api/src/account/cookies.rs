//! Cookies of the account endpoint. One makes a device known and opens nothing. The other holds the refresh token for
//! our own pages, out of reach of their scripts. It is used only by requests that ask for it in a header, which pages
//! of other origins cannot send (no preflight allows it), and that come from our own origin (docs/protection.md).

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use tenants::{
    Code, Error,
    error::Result,
    identity::{ClientInfo, Identity},
};

use crate::http::{client_info, cors, is_secure};

const DEVICE: &str = "clientele_device";
const DEVICE_PATH: &str = "/graphql/account";
/// Browsers accept `__Host-` cookies (RFC 6265bis) only over TLS or from this machine, and for one host alone.
const REFRESH: &str = "__Host-clientele_refresh";
/// The header by which a page asks for a session in a cookie.
const ASKED: &str = "x-clientele-session";
/// As long as a remembered session lives without use; other sessions end sooner, whatever the cookie says.
const REMEMBERED: Duration = Duration::days(30);

/// The client of the request, with the device that its cookie proves.
pub fn known(identity: &Identity, request: &HttpRequest) -> ClientInfo {
    let token = request.cookie(DEVICE);
    client_info(request).on(token.and_then(|cookie| identity.device(cookie.value())))
}

/// The cookies of a request and its answer.
pub struct Jar {
    secure: bool,
    /// The session must be put into a cookie.
    pub holds_session: bool,
    /// The refresh token from the request's cookie.
    pub refresh_token: Option<String>,
}

impl Jar {
    /// For a request and its answer.
    ///
    /// # Errors
    /// `FORBIDDEN` for pages of other origins that ask for cookies; `BAD_REQUEST` for an unknown value.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let secure = is_secure(request);
        let Some(asked) = request.headers().get(ASKED) else {
            return Ok(Self { secure, holds_session: false, refresh_token: None });
        };
        if asked.as_bytes() != b"cookie" {
            return Err(Error::new(Code::BadRequest, "The header `X-Clientele-Session` must have the value `cookie`."));
        }
        if let Some(origin) = cors::foreign(request) {
            return Err(Error::new(Code::Forbidden, format!("Pages of {origin:.100} cannot use cookies here.")));
        }
        let cookie = request.cookie(REFRESH);
        let refresh_token = cookie.map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty());
        Ok(Self { secure, holds_session: true, refresh_token })
    }

    /// The header that makes the device known.
    pub fn device(&self, token: String) -> String {
        let cookie = Cookie::build(DEVICE, token).path(DEVICE_PATH).http_only(true).same_site(SameSite::Strict);
        cookie.secure(self.secure).max_age(Duration::days(365)).finish().to_string()
    }
}

/// The header that stores a session or, without a token, deletes it in the browser.
pub fn session(token: Option<String>) -> String {
    let life = if token.is_some() { REMEMBERED } else { Duration::ZERO };
    let cookie = Cookie::build(REFRESH, token.unwrap_or_default()).path("/").http_only(true).secure(true);
    cookie.same_site(SameSite::Strict).max_age(life).finish().to_string()
}
