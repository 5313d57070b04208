//! Passwords: Argon2id, a bounded number at once, off the threads that serve requests.

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use super::Identity;
use crate::{
    error::{Error, FieldIssue, Issue, Result},
    keys,
};

/// Hash of no password, verified when there is no such person, so that both take the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRvZm91cnM$Wm9i9Yf9gYJjO3m2cZ0p8G7l1Vd2b3n5q7r9t1v3x5w";

/// Complains about a password that is too short or too long: 10 to 128 characters.
pub fn check_password(password: &str) -> Option<FieldIssue> {
    let issue = match password.chars().count() {
        0..10 => Issue::TooShort("10".to_owned()),
        10..=128 => return None,
        _ => Issue::TooLong("128".to_owned()),
    };
    Some(FieldIssue { field: "password".to_owned(), issue })
}

impl Identity {
    pub(super) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let salt = keys::random::<16>()?;
        self.off_thread(move || {
            let salt = SaltString::encode_b64(&salt).map_err(|error| Error::internal(error.to_string()))?;
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await
    }

    /// Whether the password is the one behind the hash; without a hash it takes as long and is not.
    pub(super) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let password = password.to_owned();
        // who has no password proves nothing by an empty one
        let hash = hash.filter(|hash| !hash.is_empty());
        self.off_thread(move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODY.to_owned());
            let parsed = PasswordHash::new(&text).map_err(|error| Error::internal(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _permit = self.hashing.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}
