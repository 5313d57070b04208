//! Tokens that travel outside: `<id>.<secret>`. The id finds the row, and the row holds but a hash.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{error::Result, keys};

/// A new token for a row, and what the row keeps of it.
///
/// # Errors
/// When the system has no randomness to give.
pub fn token(id: impl Display) -> Result<(String, Vec<u8>)> {
    let token = format!("{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(keys::random::<32>()?));
    let hash = hash(&token);
    Ok((token, hash))
}

/// The row that a token speaks of; nothing if it is no token.
pub fn id<I: FromStr>(token: &str) -> Option<I> {
    token.split_once('.')?.0.parse().ok()
}

/// Whether a token is the one behind a hash.
pub fn matches(token: &str, kept: &[u8]) -> bool {
    hash(token).ct_eq(kept).into()
}

/// What a row keeps of a token.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
