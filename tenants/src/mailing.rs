//! Limits emails to addresses that somebody typed, by address and by organisation. The counts are in the control plane,
//! so an organisation cannot reset them by changing its own rows.

use entities::{control::email_counts, ids::TenantId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};

/// Microseconds.
const SECOND: i64 = 1_000_000;
/// Microseconds.
const HOUR: i64 = 3_600 * SECOND;
/// Microseconds.
const DAY: i64 = 24 * HOUR;
/// Emails to one address per hour.
const TO_ADDRESS: i64 = 5;
/// Emails from one organisation per day.
const OF_ORGANISATION: i64 = 200;

/// Allows one more email to an address (in its compared form), whoever asks for it.
///
/// # Errors
/// `RATE_LIMITED`, with `retryAfterMs`.
pub async fn to_address(control: &impl ConnectionTrait, email_key: &str, now: i64) -> Result<()> {
    match count(control, &format!("to {email_key}"), TO_ADDRESS, HOUR, now).await? {
        None => Ok(()),
        Some(wait) => Err(later(
            format!("{TO_ADDRESS} emails were sent to this address within an hour; wait before you send another."),
            wait,
        )),
    }
}

/// Allows an organisation to send one more email.
///
/// # Errors
/// `RATE_LIMITED`, with `retryAfterMs`.
pub async fn of_organisation(control: &impl ConnectionTrait, tenant: TenantId, now: i64) -> Result<()> {
    match count(control, &format!("of {tenant}"), OF_ORGANISATION, DAY, now).await? {
        None => Ok(()),
        Some(wait) => {
            Err(later(format!("The organisation has already sent {OF_ORGANISATION} such emails within a day."), wait))
        }
    }
}

/// `RATE_LIMITED`, with the microseconds to wait.
pub fn later(reported: String, wait: i64) -> Error {
    Error::new(Code::RateLimited, reported).with("retryAfterMs", seconds(wait) * 1000)
}

/// Microseconds to wait, rounded up to whole seconds.
pub(crate) fn seconds(wait: i64) -> u64 {
    Ord::max(wait, 1).cast_unsigned().div_ceil(SECOND.cast_unsigned())
}

/// Counts one more within a window that starts with its first email. Returns how long to wait if the limit is reached.
async fn count(control: &impl ConnectionTrait, what: &str, most: i64, window: i64, now: i64) -> Result<Option<i64>> {
    use email_counts::Column::{BeganAt, Emails, Key};
    let key: String = Sha256::digest(what).iter().map(|byte| format!("{byte:02x}")).collect();
    let known = |column| Expr::col((email_counts::Entity, column));
    let over = || known(BeganAt).lte(now - window);
    let row = email_counts::ActiveModel { key: Set(key.clone()), emails: Set(1), began_at: Set(now) };
    // one statement, so that parallel requests cannot pass the limit
    let again = OnConflict::column(Key)
        .value(Emails, Expr::case(over(), 1).finally(known(Emails).add(1)))
        .value(BeganAt, Expr::case(over(), now).finally(known(BeganAt)))
        .to_owned();
    email_counts::Entity::insert(row).on_conflict(again).exec_without_returning(control).await?;
    let row = email_counts::Entity::find_by_id(key).one(control).await?;
    let row = row.ok_or_else(|| Error::internal("the count that was just written is missing"))?;
    if row.emails == 1 {
        email_counts::Entity::delete_many().filter(BeganAt.lt(now - DAY)).exec(control).await?;
    }
    Ok((row.emails > most).then(|| row.began_at + window - now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, space};

    #[tokio::test]
    async fn a_window_lets_so_many_in_and_ends() {
        let db = space().await;
        let (control, tenant) = (db.control().write(), db.tenant());
        for nth in 0..OF_ORGANISATION {
            of_organisation(control, tenant, NOW + nth * SECOND).await.unwrap();
        }
        let refused = of_organisation(control, tenant, NOW + HOUR).await.unwrap_err();
        let wait = (DAY - HOUR) / 1_000;
        assert_eq!((refused.code(), &refused.details()["retryAfterMs"]), (Code::RateLimited, &wait.into()));
        of_organisation(control, TenantId::new(), NOW + HOUR).await.unwrap();
        of_organisation(control, tenant, NOW + DAY).await.unwrap();

        let email = format!("{tenant}@example.org");
        let at_once = futures::future::join_all((0..20).map(|_| to_address(control, &email, NOW))).await;
        assert!(at_once.iter().filter(|one| one.is_ok()).count() <= 5, "those who come at once do not pass each other");
        to_address(control, &email, NOW + HOUR - 1).await.unwrap_err();
        to_address(control, &email, NOW + HOUR).await.unwrap();
    }
}
