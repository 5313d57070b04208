//! Access tokens: JWT (RFC 7519), 15 minutes, for one organisation.

use entities::ids::{MemberId, SessionId, TenantId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::hs256;
use crate::{
    clock::Clock,
    error::{Code, Error, Result},
    keys::{MasterKey, MasterKeys},
};

/// Life of an access token, seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The person.
    pub sub: UserId,
    /// The organisation; `None` after signing in without naming one.
    pub tid: Option<TenantId>,
    /// The person's membership there.
    pub mid: Option<MemberId>,
    /// The session.
    pub sid: SessionId,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
}

/// Signs and reads access tokens. A key derived from the newest master key signs; keys derived from older ones are
/// still accepted, so that tokens stay valid when the master key is rotated.
pub struct Signer(MasterKeys);

impl Signer {
    pub fn new(master: MasterKeys) -> Self {
        hs256::install();
        Self(master)
    }

    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let key = self.0.newest().token_key();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id);
        encode(&header, claims, &EncodingKey::from_secret(key.secret.as_slice())).map_err(Error::internal)
    }

    pub fn read(&self, token: &str, clock: &Clock) -> Result<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // checked below against our own clock
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let wrong = |error| Error::of(Code::Unauthenticated).caused_by(error);
        let named = decode_header(token).map_err(wrong)?.kid;
        let keys = self.0.keys();
        let mut keys = keys.iter().map(MasterKey::token_key);
        let key = keys.find(|key| Some(&key.id) == named.as_ref()).ok_or_else(|| Error::of(Code::Unauthenticated))?;
        let key = DecodingKey::from_secret(key.secret.as_slice());
        let claims = decode::<Claims>(token, &key, &validation).map_err(wrong)?.claims;
        if claims.exp <= clock.micros() / 1_000_000 {
            return Err(Error::new(
                Code::Unauthenticated,
                "The access token has expired; use `refresh` for a new one.",
            ));
        }
        Ok(claims)
    }
}
