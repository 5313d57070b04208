//! Known devices: whoever signed in gets a token that says so for this account and this device. It opens nothing; it is
//! the difference between its owner and a stranger when somebody guesses passwords.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::Identity;
use crate::{error::Result, keys};

/// What the tokens are sealed for.
const PURPOSE: &str = "known device";
/// Bytes of the random name of a device, and of the account's hash.
const PART: usize = 16;
/// Longest token that is looked at, characters.
const LONGEST: usize = 200;

/// A device that somebody signed in from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    name: [u8; PART],
    account: [u8; PART],
}

impl Device {
    /// Whether it is known for this account (an email address as compared).
    pub(super) fn is_of(&self, account: &str) -> bool {
        self.account == digest(account)
    }

    /// What its tries are counted by.
    pub fn id(&self) -> String {
        self.name.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Identity {
    /// A token for a device from which an account was just opened.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn device_token(&self, email_key: &str) -> Result<String> {
        let body = [keys::random::<PART>()?, digest(email_key)].concat();
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.registry.master().seal(PURPOSE, &body)?))
    }

    /// The device of a token of ours; nothing for any other text.
    pub fn device(&self, token: &str) -> Option<Device> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(Some(token).filter(|token| token.len() <= LONGEST)?).ok()?;
        let body = self.registry.master().unseal(PURPOSE, &sealed)?;
        let (name, account) = body.split_at_checked(PART)?;
        Some(Device { name: name.try_into().ok()?, account: account.try_into().ok()? })
    }
}

fn digest(account: &str) -> [u8; PART] {
    let digest = Sha256::digest(account);
    std::array::from_fn(|at| digest[at])
}
