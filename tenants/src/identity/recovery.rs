//! Resetting a forgotten password: a link by email that works once, for half an hour.

use entities::{
    control::{email_changes, recoveries, users},
    ids::RecoveryId,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, sea_query::Expr,
};

use super::{
    ClientInfo, Identity,
    emails::{EmailKind, EmailRequest},
    links,
    lockout::Guessed,
    people,
};
use crate::{
    error::{Code, Error, Result},
    security_log::{Event, Kind},
};

/// Life of a link, microseconds.
const LIFE: i64 = 30 * 60 * 1_000_000;
/// Most valid links of one address.
const MOST: u64 = 3;

impl Identity {
    /// Sends a link to whoever has the address. If nobody has it, the same rows are written and no email is sent.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for an invalid address; `RATE_LIMITED` after too many emails.
    pub async fn ask_recovery(&self, email: &str, client: &ClientInfo) -> Result<()> {
        people::check_email("email", email).map_or(Ok(()), |issue| Err(Error::invalid(vec![issue])))?;
        self.may_write(client).await?;
        let (key, now) = (people::email_key(email), self.registry.clock().micros());
        let known = self.registry.user_by_email(&key).await?;
        let id = RecoveryId::new();
        let (token, token_hash) = links::token(id)?;
        let tx = self.registry.control().begin().await?;
        recoveries::Entity::delete_many().filter(recoveries::Column::ExpiresAt.lte(now)).exec(&tx).await?;
        let waiting = recoveries::Entity::find().filter(recoveries::Column::EmailKey.eq(&key)).count(&tx).await?;
        let row = recoveries::Model { id, email_key: key, token_hash, created_at: now, expires_at: now + LIFE };
        if waiting < MOST {
            recoveries::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
            let language = known.as_ref().map_or_else(|| "en".to_owned(), |user| user.language.clone());
            let request =
                EmailRequest { to: known.map(|user| user.email), language, kind: EmailKind::Recover { token } };
            self.queue_email(&tx, &request).await?;
        }
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    /// Sets a new password by a link and ends every session.
    ///
    /// # Errors
    /// `LINK_EXPIRED`, or `VALIDATION_FAILED` for the password.
    pub async fn recover(&self, token: &str, password: &str, client: &ClientInfo) -> Result<()> {
        let expired = || Error::of(Code::LinkExpired);
        let id: RecoveryId = links::id(token).ok_or_else(expired)?;
        let row = recoveries::Entity::find_by_id(id).one(self.registry.control().read()).await?;
        let now = self.registry.clock().micros();
        let row = row.filter(|row| links::matches(token, &row.token_hash) && row.expires_at > now);
        let row = row.ok_or_else(expired)?;
        let user = self.registry.user_by_email(&row.email_key).await?.ok_or_else(expired)?;
        let about = [&user.first_name, &user.last_name, &user.email];
        if let Some(issue) = self.password_issue(password, &about.map(String::as_str), client.network()).await? {
            return Err(Error::invalid(vec![issue]));
        }
        let hash = self.hash(password, client.network()).await?;
        let tx = self.registry.control().begin().await?;
        // whoever deletes the row has used the link
        if recoveries::Entity::delete_by_id(id).exec(&tx).await?.rows_affected != 1 {
            return Err(expired());
        }
        self.new_password(&tx, &user, hash).await?;
        // failed guesses at the old password do not make the owner wait
        self.forget_failures(&tx, Guessed::Password, &user.email_key).await?;
        self.end_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        self.log(user.id, Event::new(Kind::PasswordChanged).from(client).with("recovered", true)).await;
        Ok(())
    }

    /// Changes a password. Older links to reset it stop working, and the person is told.
    pub(super) async fn new_password(&self, tx: &DatabaseTransaction, user: &users::Model, hash: String) -> Result<()> {
        users::Entity::update_many()
            .col_expr(users::Column::PasswordHash, Expr::value(hash))
            .col_expr(users::Column::PasswordChangedAt, Expr::value(self.registry.clock().micros()))
            .filter(users::Column::Id.eq(user.id))
            .exec(tx)
            .await?;
        recoveries::Entity::delete_many().filter(recoveries::Column::EmailKey.eq(&user.email_key)).exec(tx).await?;
        // somebody who knew the old password may have asked to change the address
        email_changes::Entity::delete_by_id(user.id).exec(tx).await?;
        self.forget_trust(tx, user.id).await?;
        let (to, language) = (Some(user.email.clone()), user.language.clone());
        self.queue_email(tx, &EmailRequest { to, language, kind: EmailKind::PasswordChanged }).await
    }
}
