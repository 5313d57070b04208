//! Passwords: how strong they must be, and Argon2id, a bounded number at once, off the threads that serve requests.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use zxcvbn::{Score, zxcvbn};

use super::Identity;
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    keys,
};

/// Hash of no password, verified when there is no such person, so that both take the same time.
const NOBODY: &str = "$argon2id$v=19$m=32768,t=3,p=1$c29tZXNhbHRvZm91cnM$Wm9i9Yf9gYJjO3m2cZ0p8G7l1Vd2b3n5q7r9t1v3x5w";

/// Memory in KiB, and how often it is gone through: one sign-in takes about 57 ms of one core of a small server
/// (docs/protection.md has the figures), above the least that OWASP recommends.
const COST: (u32, u32) = (32 * 1024, 3);

/// Complains about a password that is too short, too long (10 to 128 characters) or easy to guess for somebody who
/// knows `about` its owner: names, address, organisation.
pub fn check_password(password: &str, about: &[&str]) -> Option<FieldIssue> {
    let issue = match password.chars().count() {
        0..10 => Issue::TooShort("10".to_owned()),
        10..=128 if is_strong(password, about) => return None,
        10..=128 => Issue::EasyToGuess,
        _ => Issue::TooLong("128".to_owned()),
    };
    Some(FieldIssue { field: "password".to_owned(), issue })
}

/// Whether guessing it takes at least 10^8 tries (zxcvbn's score 3), also for who leaves out what is known already.
fn is_strong(password: &str, about: &[&str]) -> bool {
    let known: Vec<String> = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() >= 3)
        .map(str::to_lowercase)
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let rest = known.iter().fold(password.to_lowercase(), |rest, word| rest.replace(word, ""));
    [password, &rest].into_iter().all(|text| zxcvbn(text, &known).score() >= Score::Three)
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(COST.0, COST.1, 1, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Identity {
    pub(super) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let salt = keys::random::<16>()?;
        self.off_thread(move || {
            let salt = SaltString::encode_b64(&salt).map_err(|error| Error::internal(error.to_string()))?;
            let hash = argon2()?.hash_password(password.as_bytes(), &salt);
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
        let _place = self.queue.try_acquire().map_err(|_| {
            Error::new(Code::Busy, "Too many people are signing in at this moment; try again in a few seconds.")
        })?;
        let _permit = self.hashing.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        let about = ["Amel", "Haddad", "amel.haddad@acme.example", "Acme Corp"];
        for weak in
            ["password1234", "Password123!", "qwertyuiop1234", "Amel Haddad 1990", "acme-corp-2024", "aaaaaaaaaaaa"]
        {
            let issue = check_password(weak, &about).map(|issue| issue.issue);
            assert_eq!(issue, Some(Issue::EasyToGuess), "{weak}");
        }
        for strong in ["correct horse battery", "kX9#mQ2$vLpz", "amel rides forty purple horses"] {
            assert_eq!(check_password(strong, &about), None, "{strong}");
        }
        let code = |password: &str| check_password(password, &about).map(|issue| issue.issue.code());
        assert_eq!((code("kX9#mQ2$v"), code(&"x".repeat(129))), (Some("TOO_SMALL"), Some("TOO_LARGE")));
    }
}
