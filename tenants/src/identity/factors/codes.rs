//! Codes are made from a shared secret and the time. Each is accepted once, at most one step early or late. Recovery
//! codes are accepted once each.

use entities::{
    control::{recovery_codes, second_factors, users},
    ids::{RecoveryCodeId, UserId},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use super::{
    super::{ClientInfo, lockout::Guessed},
    Enrolment, Identity,
};
use crate::{
    error::{Code, Error, Result},
    keys,
    security_log::{Event, Kind},
};

/// The purpose that secrets are sealed for.
pub(crate) const SEALED: &str = "second factor";
/// How many recovery codes a person gets.
const CODES: usize = 10;
/// Characters of a recovery code, 5 bits each.
const LENGTH: usize = 16;
/// Base 32 (RFC 4648): no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Identity {
    /// A new secret for a person: what to show, and what to store.
    pub(super) fn new_secret(&self, user: &users::Model) -> Result<(Enrolment, Vec<u8>)> {
        let bytes = keys::random::<20>()?;
        let totp = totp(user, bytes)?;
        let uri = totp.to_url().map_err(|error| Error::internal(error.to_string()))?;
        let sealed = self.registry.master().seal(SEALED, &[user.id.0.as_bytes(), bytes.as_slice()].concat())?;
        Ok((Enrolment { secret: totp.secret().to_base32(), uri }, sealed))
    }

    fn secret(&self, user: &users::Model, factor: &second_factors::Model) -> Result<Totp> {
        let clear = self.registry.master().unseal(SEALED, &factor.sealed);
        let secret = clear.as_deref().and_then(|clear| clear.strip_prefix(user.id.0.as_bytes().as_slice()));
        let secret = secret.and_then(|secret| <[u8; 20]>::try_from(secret).ok());
        totp(user, secret.ok_or_else(|| Error::internal("the secret of a second factor cannot be unsealed"))?)
    }

    /// Accepts a code of the factor, or a recovery code. Each works once; wrong ones are counted like passwords.
    ///
    /// # Errors
    /// `BAD_CODE`, `RATE_LIMITED`.
    pub(super) async fn demand_code(
        &self,
        user: &users::Model,
        factor: &second_factors::Model,
        code: &str,
        client: &ClientInfo,
    ) -> Result<()> {
        let device = client.known_device(&user.email_key, Some(user));
        let attempt = self.attempt(Guessed::Code, &user.id.to_string(), device, client).await?;
        if self.takes(user, factor, code).await? {
            return self.attempt_succeeded(attempt).await;
        }
        if factor.confirmed_at.is_some() && self.takes_recovery(user.id, code).await? {
            self.attempt_succeeded(attempt).await?;
            self.log(user.id, Event::new(Kind::RecoveryCodeUsed).from(client)).await;
            return Ok(());
        }
        self.log(user.id, Event::new(Kind::SecondFactorFailed).from(client)).await;
        Err(Error::of(Code::BadCode))
    }

    async fn takes(&self, user: &users::Model, factor: &second_factors::Model, code: &str) -> Result<bool> {
        let digits: String = code.chars().filter(|char| !char.is_whitespace()).take(LENGTH).collect();
        let seconds = u64::try_from(self.registry.clock().micros() / 1_000_000).map_err(Error::internal)?;
        let Some(step) = self.secret(user, factor)?.check(&digits, seconds) else { return Ok(false) };
        let step = i64::try_from(step).map_err(Error::internal)?;
        // if two requests send the same code, only one succeeds
        let taken = second_factors::Entity::update_many()
            .col_expr(second_factors::Column::LastStep, Expr::value(step))
            .filter(second_factors::Column::UserId.eq(user.id))
            .filter(second_factors::Column::LastStep.lt(step));
        Ok(taken.exec(self.registry.control().write()).await?.rows_affected == 1)
    }

    async fn takes_recovery(&self, user: UserId, code: &str) -> Result<bool> {
        let used = recovery_codes::Entity::delete_many()
            .filter(recovery_codes::Column::UserId.eq(user))
            .filter(recovery_codes::Column::CodeHash.eq(hash(code)));
        Ok(used.exec(self.registry.control().write()).await?.rows_affected == 1)
    }

    /// Replaces all recovery codes.
    pub(super) async fn new_recovery_codes(&self, tx: &DatabaseTransaction, user: UserId) -> Result<Vec<String>> {
        recovery_codes::Entity::delete_many().filter(recovery_codes::Column::UserId.eq(user)).exec(tx).await?;
        let codes = (0..CODES).map(|_| recovery_code()).collect::<Result<Vec<_>>>()?;
        let rows = codes.iter().map(|code| recovery_codes::ActiveModel {
            id: Set(RecoveryCodeId::new()),
            user_id: Set(user),
            code_hash: Set(hash(code)),
        });
        recovery_codes::Entity::insert_many(rows).exec_without_returning(tx).await?;
        Ok(codes)
    }
}

/// The default of authenticator apps, and the only one some support: SHA-1, six digits, 30 seconds (RFC 6238). A code
/// may be one step early or late.
fn totp(user: &users::Model, secret: [u8; 20]) -> Result<Totp> {
    // a colon would separate the issuer from the account
    let account: String = user.email.chars().filter(|char| *char != ':').collect();
    let builder = Builder::new().with_secret(Secret::new_stack(secret)).with_skew(1);
    let built = builder.with_account_name(account).with_issuer(Some("Clientele")).build();
    built.map_err(|error| Error::internal(error.to_string()))
}

/// `ABCD-EFGH-IJKL-MNOP`.
fn recovery_code() -> Result<String> {
    let bytes = keys::random::<LENGTH>()?;
    let mut code = String::with_capacity(LENGTH + 3);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code)
}

/// The stored form of a recovery code. It has 80 random bits, so it needs no slow hash.
fn hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).take(2 * LENGTH).collect();
    Sha256::digest(plain.to_ascii_uppercase()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_may_be_typed_as_people_do() {
        let code = recovery_code().unwrap();
        assert_eq!(code.len(), LENGTH + 3);
        assert_eq!(hash(&code), hash(&code.to_lowercase().replace('-', " ")));
        assert_ne!(hash(&code), hash(&recovery_code().unwrap()));
    }
}
