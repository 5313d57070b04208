//! Changing the email address: the new address must prove that it is theirs, and the old one must agree. So neither a
//! typing error nor a stolen session takes an account away.

use entities::{
    control::{email_changes, recoveries, users},
    ids::UserId,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    ClientInfo, Identity,
    emails::{EmailKind, EmailRequest},
    guard::unchanged,
    links, people,
};
use crate::{
    db::violation,
    error::{Code, Error, Result},
    mailing,
    security_log::{Event, Kind},
};

/// Life of both links, microseconds.
const LIFE: i64 = 24 * 3600 * 1_000_000;
/// Least time between two requests to change the address, microseconds: each sends an email to an address that somebody
/// typed.
const PAUSE: i64 = 60 * 1_000_000;

/// The state of a change of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChange {
    /// The other address has not confirmed yet.
    Waiting,
    /// Both confirmed; the address is changed.
    Done,
}

impl Identity {
    /// Asks both addresses to confirm a change. If the new address has an account, it gets a notice and nothing else
    /// happens; the answer is the same.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for the password; `VALIDATION_FAILED` for the address; `RATE_LIMITED` within a minute of the
    /// last request, and after too many emails to the new address.
    pub async fn change_email(
        &self,
        user: &users::Model,
        password: &str,
        email: &str,
        client: &ClientInfo,
    ) -> Result<()> {
        if let Some(issue) = people::check_email("email", email) {
            return Err(Error::invalid(vec![issue]));
        }
        self.demand_password(user, password, client).await?;
        let (email, email_key, now) = (email.trim(), people::email_key(email), self.registry.clock().micros());
        let known = self.registry.user_by_email(&email_key).await?.is_some();
        let ((new, new_hash), (old, old_hash)) = (links::token(user.id)?, links::token(user.id)?);
        let row = email_changes::Model {
            user_id: user.id,
            email: email.to_owned(),
            email_key,
            new_hash,
            old_hash,
            new_agreed: false,
            old_agreed: false,
            expires_at: now + LIFE,
        };
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        let before = email_changes::Entity::find_by_id(user.id).one(&tx).await?;
        if let Some(before) = before.filter(|before| before.expires_at > now + LIFE - PAUSE) {
            let reported = "A change was requested a moment ago. Wait a minute before you request another.";
            return Err(mailing::later(reported.to_owned(), before.expires_at - LIFE + PAUSE - now));
        }
        mailing::to_address(&tx, &row.email_key, now).await?;
        email_changes::Entity::delete_by_id(user.id).exec(&tx).await?;
        email_changes::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        let kind = if known { EmailKind::AddressTaken } else { EmailKind::ConfirmNewEmail { token: new } };
        self.queue_email(&tx, &EmailRequest { to: Some(email.to_owned()), language: user.language.clone(), kind })
            .await?;
        let kind = EmailKind::LeaveEmail { new: email.to_owned(), token: old };
        self.queue_email(&tx, &EmailRequest { to: Some(user.email.clone()), language: user.language.clone(), kind })
            .await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    /// One of the two addresses confirms, by the token in its link.
    ///
    /// # Errors
    /// `LINK_EXPIRED`.
    pub async fn confirm_email(&self, token: &str, client: &ClientInfo) -> Result<EmailChange> {
        let expired = || Error::of(Code::LinkExpired);
        let id: UserId = links::id(token).ok_or_else(expired)?;
        let tx = self.registry.control().begin().await?;
        let row = email_changes::Entity::find_by_id(id).one(&tx).await?;
        let row = row.filter(|row| row.expires_at > self.registry.clock().micros()).ok_or_else(expired)?;
        let agreed = match (links::matches(token, &row.new_hash), links::matches(token, &row.old_hash)) {
            (true, _) => email_changes::ActiveModel { new_agreed: Set(true), ..Default::default() },
            (_, true) => email_changes::ActiveModel { old_agreed: Set(true), ..Default::default() },
            _ => return Err(expired()),
        };
        let update = email_changes::Entity::update_many().set(agreed).filter(email_changes::Column::UserId.eq(id));
        // a newer request has other tokens
        let update = update.filter(email_changes::Column::NewHash.eq(row.new_hash));
        if update.exec(&tx).await?.rows_affected != 1 {
            return Err(expired());
        }
        // read after the update: if both confirm at once, the second sees both
        let row = email_changes::Entity::find_by_id(id).one(&tx).await?.ok_or_else(expired)?;
        if !(row.new_agreed && row.old_agreed) {
            tx.commit().await?;
            return Ok(EmailChange::Waiting);
        }
        let user = users::Entity::find_by_id(id).one(&tx).await?.ok_or_else(expired)?;
        let changed = users::ActiveModel {
            email: Set(row.email.clone()),
            email_key: Set(row.email_key.clone()),
            ..Default::default()
        };
        let update = users::Entity::update_many().set(changed).filter(users::Column::Id.eq(id)).exec(&tx).await;
        update.map_err(|error| match violation(&error) {
            Some(_) => Error::new(Code::LinkExpired, "Somebody else has taken this address meanwhile."),
            None => error.into(),
        })?;
        email_changes::Entity::delete_by_id(id).exec(&tx).await?;
        recoveries::Entity::delete_many().filter(recoveries::Column::EmailKey.eq(&user.email_key)).exec(&tx).await?;
        self.spread_later(&tx, id).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        self.log(id, Event::new(Kind::EmailChanged).from(client)).await;
        Ok(EmailChange::Done)
    }
}
