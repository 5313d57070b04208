//! Known devices. After signing in, a device gets a token that is valid for this account on this device, for at most a
//! year or until the password changes. The token opens nothing; it only tells the owner from a stranger when somebody
//! is guessing passwords.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::control::users;
use sha2::{Digest, Sha256};

use super::{ClientInfo, Identity};
use crate::{error::Result, keys};

/// The purpose that the tokens are sealed for.
const PURPOSE: &str = "known device";
/// Bytes of the random name of a device, and of the account's hash.
const PART: usize = 16;
/// Bytes of a time.
const TIME: usize = 8;
/// Longest token that is accepted, in characters.
const LONGEST: usize = 200;
/// How long a device stays known, microseconds.
const LIFE: i64 = 365 * 24 * 3600 * 1_000_000;

/// A device that somebody has signed in from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    name: [u8; PART],
    account: [u8; PART],
    /// Microseconds UTC.
    issued_at: i64,
}

impl Device {
    /// What its attempts are counted by.
    pub fn id(&self) -> String {
        self.name.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl ClientInfo {
    /// The device behind a token, if the account (an email address in its compared form) was used from it with its
    /// current password.
    pub(super) fn known_device(&self, account: &str, owner: Option<&users::Model>) -> Option<&Device> {
        let since = owner.map_or(0, |owner| owner.password_changed_at);
        self.device.as_ref().filter(|device| device.account == digest(account) && device.issued_at >= since)
    }

    /// Whether the device is known for this person.
    pub fn is_known_for(&self, person: &users::Model) -> bool {
        self.known_device(&person.email_key, Some(person)).is_some()
    }
}

impl Identity {
    /// A token for a device that has just signed in to an account.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn device_token(&self, email_key: &str) -> Result<String> {
        let now = self.registry.clock().micros().to_be_bytes();
        let body = [keys::random::<PART>()?.as_slice(), &digest(email_key), &now].concat();
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.registry.master().seal(PURPOSE, &body)?))
    }

    /// The device named by one of our tokens that has not expired; `None` for any other text.
    pub fn device(&self, token: &str) -> Option<Device> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(Some(token).filter(|token| token.len() <= LONGEST)?).ok()?;
        let body = self.registry.master().unseal(PURPOSE, &sealed)?;
        let body = <&[u8; 2 * PART + TIME]>::try_from(body.as_slice()).ok()?;
        let (name, rest) = body.split_first_chunk::<PART>()?;
        let (account, time) = rest.split_first_chunk::<PART>()?;
        let issued_at = i64::from_be_bytes(time.try_into().ok()?);
        let live = issued_at > self.registry.clock().micros() - LIFE;
        live.then_some(Device { name: *name, account: *account, issued_at })
    }
}

fn digest(account: &str) -> [u8; PART] {
    let digest = Sha256::digest(account);
    std::array::from_fn(|at| digest[at])
}
