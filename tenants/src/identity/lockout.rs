//! Makes guessing passwords slow. Failures are counted by account and by address; after several failures the next
//! attempt must wait, and the delay doubles each time. A device that was signed in before is counted apart (OWASP's
//! device cookies), so an attack on an account does not lock out its owner. Failures from such a device also count for
//! its address, but the address does not make the device wait.
//!
//! An attempt is counted before the password is checked, in one statement in the control plane, so parallel attempts on
//! any number of nodes cannot pass the limit.

use entities::control::attempts;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use sha2::{Digest, Sha256};

use super::{ClientInfo, Device, Identity};
use crate::{
    error::{Code, Error, Result},
    keys, mailing,
};

/// Microseconds.
const SECOND: i64 = 1_000_000;
/// The first delay; each further failure doubles it.
const FIRST: i64 = 30 * SECOND;
/// The longest delay.
const LONGEST: i64 = 3_600 * SECOND;
/// Without a failure for this long, the count starts again.
const FORGET: i64 = 24 * 3_600 * SECOND;
/// Most rows kept; the longest unused are deleted first.
const ROWS: u64 = 500_000;

/// Failures that an account or a device may have before it must wait.
const BY_ACCOUNT: i64 = 10;
/// Failures that an address may have; many people may share one.
const BY_ADDRESS: i64 = 100;

/// Emails that one address may cause, to any recipients.
const EMAILS_BY_ADDRESS: i64 = 100;

/// An attempt that was allowed; its result must still be reported.
#[must_use = "an attempt without a result counts as failed"]
pub(super) struct Attempt {
    counted: Vec<Counted>,
}

/// What is being guessed; each kind is counted for itself.
#[derive(Clone, Copy)]
pub(super) enum Guessed {
    Password,
    /// A code of a second factor.
    Code,
}

impl Guessed {
    fn name(self) -> &'static str {
        match self {
            Guessed::Password => "password",
            Guessed::Code => "code",
        }
    }

    /// Counts attempts by strangers against an account.
    fn key(self, account: &str) -> String {
        key(&format!("{} account", self.name()), account)
    }
}

struct Counted {
    key: String,
    /// Forgotten when the attempt succeeds. The address is not: an attacker may have an account of their own.
    forgiven: bool,
    /// Until when this attempt has locked the key; 0 if it has not.
    locked_until: i64,
}

impl Attempt {
    /// Whether this was the last attempt allowed for now.
    pub fn locks(&self) -> bool {
        self.counted.iter().any(|counted| counted.locked_until > 0)
    }
}

impl Identity {
    /// Allows an attempt on an account, from a known device or any other, or says how long to wait. It behaves the same
    /// whether or not the account exists.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with `retryAfterMs`.
    pub(super) async fn attempt(
        &self,
        guessed: Guessed,
        account: &str,
        device: Option<&Device>,
        client: &ClientInfo,
    ) -> Result<Attempt> {
        let own = match device {
            Some(device) => key(&format!("{} device", guessed.name()), &device.id()),
            None => guessed.key(account),
        };
        let network = key("address", &client.network().to_string());
        let mut attempt = Attempt { counted: Vec::new() };
        for (key, free, forgiven) in [(own, BY_ACCOUNT, true), (network, BY_ADDRESS, false)] {
            match self.count(&key, free).await {
                Ok(locked_until) => attempt.counted.push(Counted { key, forgiven, locked_until }),
                // failures of others at the same address do not make a known device wait
                Err(refused) if !forgiven && device.is_some() && refused.code() == Code::RateLimited => {}
                Err(refused) => {
                    // an attempt that was refused did not fail
                    self.give_back(&attempt).await?;
                    return Err(refused);
                }
            }
        }
        Ok(attempt)
    }

    /// Allows one more email on behalf of somebody who is not signed in: the address may not be theirs.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with `retryAfterMs`.
    pub(super) async fn may_write(&self, client: &ClientInfo) -> Result<()> {
        self.count(&key("emails", &client.network().to_string()), EMAILS_BY_ADDRESS).await.map(drop)
    }

    /// Clears the failures against an account whose owner proved their identity in another way.
    pub(super) async fn forget_failures(
        &self,
        tx: &impl ConnectionTrait,
        guessed: Guessed,
        account: &str,
    ) -> Result<()> {
        attempts::Entity::delete_by_id(guessed.key(account)).exec(tx).await?;
        Ok(())
    }

    /// The password was correct.
    pub(super) async fn attempt_succeeded(&self, attempt: Attempt) -> Result<()> {
        let control = self.registry.control().write();
        for counted in attempt.counted.iter().filter(|counted| counted.forgiven) {
            attempts::Entity::delete_by_id(counted.key.clone()).exec(control).await?;
        }
        let addresses = attempt.counted.into_iter().filter(|counted| !counted.forgiven).collect();
        self.give_back(&Attempt { counted: addresses }).await
    }

    /// The password was not checked.
    pub(super) async fn attempt_undone(&self, attempt: Attempt) -> Result<()> {
        self.give_back(&attempt).await
    }

    /// Takes the count back.
    async fn give_back(&self, attempt: &Attempt) -> Result<()> {
        for counted in &attempt.counted {
            let locked = Expr::case(Expr::col(attempts::Column::LockedUntil).eq(counted.locked_until), 0)
                .finally(Expr::col(attempts::Column::LockedUntil));
            attempts::Entity::update_many()
                .col_expr(attempts::Column::Failures, Expr::col(attempts::Column::Failures).sub(1))
                .col_expr(attempts::Column::LockedUntil, locked.into())
                .filter(attempts::Column::Key.eq(counted.key.as_str()))
                .filter(attempts::Column::Failures.gt(0))
                .exec(self.registry.control().write())
                .await?;
        }
        Ok(())
    }

    /// Counts one more failure, unless the key is locked. Returns until when the key is locked now; 0 if it is not.
    async fn count(&self, key: &str, free: i64) -> Result<i64> {
        let control = self.registry.control();
        // others may count at the same time; whoever loses too many rounds is refused and must wait
        for _ in 0..20 {
            let now = self.registry.clock().micros();
            let row = attempts::Entity::find_by_id(key).one(control.write()).await?;
            let Some(row) = row else {
                if self.count_first(key, now).await? {
                    return Ok(0);
                }
                continue;
            };
            if row.locked_until > now {
                return Err(too_many(row.locked_until - now));
            }
            let failures = if row.last_at < now - FORGET { 1 } else { row.failures + 1 };
            let locked_until = if failures < free { 0 } else { now + delay(failures - free) };
            let changed = attempts::ActiveModel {
                failures: Set(failures),
                last_at: Set(now),
                locked_until: Set(locked_until),
                ..Default::default()
            };
            let update = attempts::Entity::update_many()
                .set(changed)
                .filter(attempts::Column::Key.eq(key))
                .filter(attempts::Column::Failures.eq(row.failures))
                .filter(attempts::Column::LockedUntil.eq(row.locked_until));
            if update.exec(control.write()).await?.rows_affected == 1 {
                return Ok(locked_until);
            }
        }
        Err(too_many(SECOND))
    }

    async fn count_first(&self, key: &str, now: i64) -> Result<bool> {
        let control = self.registry.control().write();
        let row = attempts::ActiveModel {
            key: Set(key.to_owned()),
            failures: Set(1),
            last_at: Set(now),
            locked_until: Set(0),
        };
        let insert = attempts::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        let inserted = match insert.exec_without_returning(control).await {
            Ok(rows) => rows == 1,
            Err(sea_orm::DbErr::RecordNotInserted) => false,
            Err(error) => return Err(error.into()),
        };
        // one new row in 64 triggers a clean-up
        if inserted && keys::random::<1>()?[0] < 4 {
            forget_old(control, now).await?;
        }
        Ok(inserted)
    }
}

/// Deletes old rows, and the longest unused ones if there are too many.
async fn forget_old(control: &impl ConnectionTrait, now: i64) -> Result<()> {
    attempts::Entity::delete_many().filter(attempts::Column::LastAt.lt(now - FORGET)).exec(control).await?;
    if attempts::Entity::find().count(control).await? > ROWS {
        let youngest: Option<i64> = attempts::Entity::find()
            .select_only()
            .column(attempts::Column::LastAt)
            .order_by_desc(attempts::Column::LastAt)
            .offset(ROWS / 2)
            .limit(1)
            .into_tuple()
            .one(control)
            .await?;
        if let Some(youngest) = youngest {
            let old = attempts::Column::LastAt.lt(youngest).and(attempts::Column::LockedUntil.lt(now));
            attempts::Entity::delete_many().filter(old).exec(control).await?;
        }
    }
    Ok(())
}

/// How long the next attempt must wait after this many failures beyond the limit.
fn delay(over: i64) -> i64 {
    Ord::min(FIRST << Ord::clamp(over, 0, 20), LONGEST)
}

fn key(kind: &str, what: &str) -> String {
    let digest = Sha256::digest(format!("{kind} {what}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn too_many(wait: i64) -> Error {
    mailing::later(format!("Too many attempts. Try again in {} s.", mailing::seconds(wait)), wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_an_hour() {
        assert_eq!([0, 1, 2].map(delay), [FIRST, 2 * FIRST, 4 * FIRST]);
        assert_eq!(delay(50), LONGEST);
    }
}
