//! Passwords: how strong they must be, and Argon2id.

use std::net::IpAddr;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use zxcvbn::{Score, zxcvbn};

use super::Identity;
use crate::{
    error::{Error, FieldIssue, Issue, Result},
    keys,
};

/// The hash of no password. It is verified if the account does not exist, so that both cases take the same time.
const NOBODY: &str = "$argon2id$v=19$m=32768,t=3,p=1$c29tZXNhbHRvZm91cnM$Wm9i9Yf9gYJjO3m2cZ0p8G7l1Vd2b3n5q7r9t1v3x5w";

/// Memory in KiB, and the number of passes. One check takes about 57 ms of one core of a small server
/// (docs/protection.md has the figures), more than the minimum that OWASP recommends.
const COST: (u32, u32) = (32 * 1024, 3);

/// How many characters are tested for strength: zxcvbn takes seconds for 128 unusual ones. If the beginning of a
/// password is hard to guess, the whole is too.
const JUDGED: usize = 48;
/// Most characters of a text about the owner, and most words in total, that a password is compared with.
const ABOUT: (usize, usize) = (200, 40);

/// What is wrong with the length of a password: 10 to 128 characters.
fn wrong_length(password: &str) -> Option<Issue> {
    match password.chars().count() {
        0..10 => Some(Issue::TooShort("10".to_owned())),
        10..=128 => None,
        _ => Some(Issue::TooLong("128".to_owned())),
    }
}

/// Words that the password should not be made of.
fn words(about: &[&str]) -> Vec<String> {
    about
        .iter()
        .flat_map(|text| beginning(text, ABOUT.0).split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() >= 3)
        .map(str::to_lowercase)
        .take(ABOUT.1)
        .collect()
}

/// Whether guessing it takes at least 10^8 attempts (zxcvbn's score 3), also without the parts that are known about the
/// owner.
fn is_strong(password: &str, known: &[String]) -> bool {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let rest = known.iter().fold(password.to_lowercase(), |rest, word| rest.replace(word, ""));
    [password, &rest].into_iter().all(|text| zxcvbn(beginning(text, JUDGED), &known).score() >= Score::Three)
}

/// At most so many characters of a text.
fn beginning(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(COST.0, COST.1, 1, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Identity {
    /// What is wrong with a new password: its length, or that it is easy to guess for somebody who knows `about` its
    /// owner (names, address, organisation).
    ///
    /// # Errors
    /// `BUSY` if too many passwords are being checked.
    pub(super) async fn password_issue(
        &self,
        password: &str,
        about: &[&str],
        network: IpAddr,
    ) -> Result<Option<FieldIssue>> {
        let issue = match wrong_length(password) {
            Some(issue) => Some(issue),
            None => {
                let (password, about) = (password.to_owned(), words(about));
                let strong = self.slow.run(network, move || Ok(is_strong(&password, &about))).await?;
                (!strong).then_some(Issue::EasyToGuess)
            }
        };
        Ok(issue.map(|issue| FieldIssue { field: "password".to_owned(), issue }))
    }

    pub(super) async fn hash(&self, password: &str, network: IpAddr) -> Result<String> {
        let password = password.to_owned();
        let salt = keys::random::<16>()?;
        let hashed = self.slow.run(network, move || {
            let salt = SaltString::encode_b64(&salt).map_err(|error| Error::internal(error.to_string()))?;
            let hash = argon2()?.hash_password(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        });
        hashed.await
    }

    /// Whether the password belongs to the hash. Without a hash the answer is no, after the same time.
    pub(super) async fn verify(&self, password: &str, hash: Option<String>, network: IpAddr) -> Result<bool> {
        let password = password.to_owned();
        // an account without password cannot be opened with an empty one
        let hash = hash.filter(|hash| !hash.is_empty());
        let verified = self.slow.run(network, move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODY.to_owned());
            let parsed = PasswordHash::new(&text).map_err(|error| Error::internal(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
        });
        verified.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        let about = words(&["Amel", "Haddad", "amel.haddad@acme.example", "Acme Corp"]);
        for weak in
            ["password1234", "Password123!", "qwertyuiop1234", "Amel Haddad 1990", "acme-corp-2024", "aaaaaaaaaaaa"]
        {
            assert!(!is_strong(weak, &about), "{weak}");
        }
        for strong in ["correct horse battery", "kX9#mQ2$vLpz", "amel rides forty purple horses"] {
            assert!(is_strong(strong, &about), "{strong}");
        }
        let code = |password: &str| wrong_length(password).map(|issue| issue.code());
        assert_eq!((code("kX9#mQ2$v"), code(&"x".repeat(129))), (Some("TOO_SMALL"), Some("TOO_LARGE")));
        assert_eq!(words(&["é".repeat(1000).as_str(), &"word ".repeat(1000)]).len(), ABOUT.1);
    }
}
