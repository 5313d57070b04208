//! Access tokens: JWT (RFC 7519), 15 minutes, for one organisation.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::ids::{MemberId, SessionId, TenantId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Clock,
    error::{Code, Error, Result},
};

/// Life of an access token, seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The person.
    pub sub: UserId,
    /// The organisation; none right after signing in without naming one.
    pub tid: Option<TenantId>,
    /// The person's place there.
    pub mid: Option<MemberId>,
    /// The session.
    pub sid: SessionId,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
}

/// Signs and reads access tokens.
pub struct Signer {
    key_id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    pub fn new(key: &[u8; 32]) -> Self {
        let id = Sha256::digest(key);
        Self {
            key_id: BASE64_URL_SAFE_NO_PAD.encode(&id[..6]),
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
        }
    }

    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(self.key_id.clone());
        encode(&header, claims, &self.encoding).map_err(Error::internal)
    }

    pub fn read(&self, token: &str, clock: &Clock) -> Result<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // checked below against our own clock
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|error| Error::of(Code::Unauthenticated).caused_by(error))?
            .claims;
        if claims.exp <= clock.micros() / 1_000_000 {
            return Err(Error::new(
                Code::Unauthenticated,
                "The access token has expired; use `refresh` for a new one.",
            ));
        }
        Ok(claims)
    }
}
