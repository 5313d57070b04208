//! The format of everything that is sealed: XChaCha20-Poly1305 with a header that holds version, key id and nonce.

use std::fmt;

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use rand::TryRngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Version of the ciphertext format: one byte of version, four of key id (big endian), 24 of nonce, then the
/// ciphertext.
const FORMAT: u8 = 1;
const NONCE: usize = 5;
const HEADER: usize = NONCE + 24;
/// How many bytes a ciphertext is longer than its content: the header, and the authentication tag.
pub(crate) const SEALED: usize = HEADER + 16;

/// Identifies a key among its kind: a master key by a hash of it, a tenant's data keys by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A 32-byte secret. It never prints itself.
#[derive(Clone)]
pub(super) struct Secret(pub(super) Zeroizing<[u8; 32]>);

impl Secret {
    /// Derives a key for one purpose. It reveals nothing about the secret.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // HKDF-SHA256 fails only for outputs above 8160 bytes.
        if Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(purpose.as_bytes(), out.as_mut_slice()).is_err() {
            unreachable!("32 bytes are within the limit of HKDF");
        }
        out
    }
}

/// A new secret from the operating system.
///
/// # Errors
/// If the system cannot provide randomness.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// The id of the key that sealed a ciphertext; `None` if the bytes are not one of our ciphertexts. 0 marks what was
/// sealed before keys had ids, under the installation's first master key.
pub fn key_of(sealed: &[u8]) -> Option<KeyId> {
    let id = sealed.get(1..NONCE)?.try_into().ok()?;
    (sealed[0] == FORMAT && sealed.len() >= SEALED).then_some(KeyId(u32::from_be_bytes(id)))
}

/// The purpose of a value that belongs to one row, so that it does not open in another row.
pub fn of_row(purpose: &str, row: impl std::fmt::Display) -> String {
    format!("{purpose} {row}")
}

pub(super) fn seal(key: &[u8; 32], id: KeyId, context: &[u8], clear: &[u8]) -> Result<Vec<u8>> {
    let nonce = random::<24>()?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload { msg: clear, aad: context };
    let sealed =
        cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| Error::internal("encryption failed"))?;
    let mut out = Vec::with_capacity(HEADER + sealed.len());
    out.push(FORMAT);
    out.extend_from_slice(&id.0.to_be_bytes());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

pub(super) fn unseal(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    key_of(sealed)?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload { msg: &sealed[HEADER..], aad: context };
    cipher.decrypt(XNonce::from_slice(&sealed[NONCE..HEADER]), payload).ok().map(Zeroizing::new)
}
