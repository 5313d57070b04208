//! Tokens in links: `<id>.<secret>`. The id finds the row; the row holds only a hash of the secret.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{error::Result, keys};

/// A new token for a row, and the hash that the row stores.
///
/// # Errors
/// If the system cannot provide randomness.
pub fn token(id: impl Display) -> Result<(String, Vec<u8>)> {
    let token = format!("{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(keys::random::<32>()?));
    let hash = hash(&token);
    Ok((token, hash))
}

/// The row that a token names; `None` if the text is not a token.
pub fn id<I: FromStr>(token: &str) -> Option<I> {
    token.split_once('.')?.0.parse().ok()
}

/// Whether a token belongs to a hash.
pub fn matches(token: &str, kept: &[u8]) -> bool {
    hash(token).ct_eq(kept).into()
}

/// The hash that a row stores of a token.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
