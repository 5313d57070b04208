//! Guessing passwords is made slow: failures are counted by account and by address, and once there were many, the next
//! try is taken only after a delay that doubles. Who signed in before from the same device is counted apart (OWASP's
//! device cookies), so that a flood against an account does not lock out its owner; such failures count against their
//! address too, which does not make the device wait.
//!
//! A try is counted before the password is looked at, in one statement in the control plane: tries at the same time, on
//! however many nodes, do not pass each other.

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
/// After so long without a failure everything is forgotten.
const FORGET: i64 = 24 * 3_600 * SECOND;
/// Rows kept at most; the longest silent go first.
const ROWS: u64 = 500_000;

/// Failures that an account or a device may have before it waits.
const BY_ACCOUNT: i64 = 10;
/// Failures that an address may have: many people share one.
const BY_ADDRESS: i64 = 100;

/// Emails that one address may have sent to whomever it names.
const EMAILS_BY_ADDRESS: i64 = 100;

/// A try that was let in, still to be told how it ended.
#[must_use = "a try that is not ended counts as failed"]
pub(super) struct Attempt {
    counted: Vec<Counted>,
}

/// What is being guessed; each is counted for itself.
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

    /// Counts what strangers try against an account.
    fn key(self, account: &str) -> String {
        key(&format!("{} account", self.name()), account)
    }
}

struct Counted {
    key: String,
    /// Forgotten when the try succeeds; an address is not: its owner may have an account of their own.
    forgiven: bool,
    /// What the try itself set.
    locked_until: i64,
}

impl Attempt {
    /// Whether this try was the last one for now.
    pub fn locks(&self) -> bool {
        self.counted.iter().any(|counted| counted.locked_until > 0)
    }
}

impl Identity {
    /// Lets a try for an account in, from a device that is known for it or from any other, or says after how long the next
    /// one is taken. It is the same for accounts that exist and for those that do not.
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
                // others at the same address are no reason for a known device to wait
                Err(refused) if !forgiven && device.is_some() && refused.code() == Code::RateLimited => {}
                Err(refused) => {
                    // what was not tried did not fail
                    self.give_back(&attempt).await?;
                    return Err(refused);
                }
            }
        }
        Ok(attempt)
    }

    /// Lets somebody who is not signed in have one more email sent: to addresses that are perhaps not theirs.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with `retryAfterMs`.
    pub(super) async fn may_write(&self, client: &ClientInfo) -> Result<()> {
        self.count(&key("emails", &client.network().to_string()), EMAILS_BY_ADDRESS).await.map(drop)
    }

    /// Forgets the failures of strangers against an account, whose owner proved themselves otherwise.
    pub(super) async fn forget_failures(
        &self,
        tx: &impl ConnectionTrait,
        guessed: Guessed,
        account: &str,
    ) -> Result<()> {
        attempts::Entity::delete_by_id(guessed.key(account)).exec(tx).await?;
        Ok(())
    }

    /// The password was right.
    pub(super) async fn attempt_succeeded(&self, attempt: Attempt) -> Result<()> {
        let control = self.registry.control().write();
        for counted in attempt.counted.iter().filter(|counted| counted.forgiven) {
            attempts::Entity::delete_by_id(counted.key.clone()).exec(control).await?;
        }
        let addresses = attempt.counted.into_iter().filter(|counted| !counted.forgiven).collect();
        self.give_back(&Attempt { counted: addresses }).await
    }

    /// The password was not looked at.
    pub(super) async fn attempt_undone(&self, attempt: Attempt) -> Result<()> {
        self.give_back(&attempt).await
    }

    /// Undoes what counting did.
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

    /// Counts one more, unless the key is locked. Answers until when it is locked now, 0 if it is not.
    async fn count(&self, key: &str, free: i64) -> Result<i64> {
        let control = self.registry.control();
        // others count at the same time; who is not let in after so many rounds comes in a crowd, and waits
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
        // one newcomer in 64 clears up behind the others
        if inserted && keys::random::<1>()?[0] < 4 {
            forget_old(control, now).await?;
        }
        Ok(inserted)
    }
}

/// Forgets what is old, and the longest silent where there are too many.
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

/// How long the next try waits after so many failures too many.
fn delay(over: i64) -> i64 {
    Ord::min(FIRST << Ord::clamp(over, 0, 20), LONGEST)
}

fn key(kind: &str, what: &str) -> String {
    let digest = Sha256::digest(format!("{kind} {what}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn too_many(wait: i64) -> Error {
    mailing::later(format!("There were too many tries lately; wait {} s.", mailing::seconds(wait)), wait)
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
