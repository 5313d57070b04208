//! The second factor: besides the password, a code that the person's authenticator app makes every 30 seconds (TOTP,
//! RFC 6238), or a recovery code.

mod challenge;
mod codes;
mod required;
mod trusted;

use entities::{
    control::{challenges, recovery_codes, second_factors, sessions, trusted_devices, users},
    ids::{SessionId, UserId},
};
pub use required::{are_two_factors_required, require_two_factors};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
pub use trusted::TrustedDevice;

use super::{
    ClientInfo, Identity,
    emails::{EmailKind, EmailRequest},
    guard::unchanged,
};
use crate::{
    error::{Code, Error, Result},
    security_log::{Event, Kind},
    watch::revoked,
};

pub(crate) use codes::SEALED;

/// A new second factor, to be added to an authenticator app. It is shown once.
pub struct Enrolment {
    /// The secret in base 32, for typing.
    pub secret: String,
    /// `otpauth://totp/…`, which authenticator apps read from a QR code.
    pub uri: String,
}

/// The state of a person's second factor.
#[derive(Clone, Debug)]
pub struct Standing {
    /// When it was turned on, microseconds UTC; `None` if it is off.
    pub since: Option<i64>,
    /// Recovery codes that are still unused.
    pub recovery_codes: u64,
    /// Devices that are not asked for a code.
    pub trusted: Vec<TrustedDevice>,
}

impl Identity {
    /// The state of a person's second factor.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn second_factor(&self, user: UserId) -> Result<Standing> {
        let control = self.registry.control().read();
        let codes = recovery_codes::Entity::find().filter(recovery_codes::Column::UserId.eq(user));
        Ok(Standing {
            since: self.factor(user).await?.and_then(|factor| factor.confirmed_at),
            recovery_codes: codes.count(control).await?,
            trusted: self.trusted_devices(user).await?,
        })
    }

    /// Starts to set up a second factor. It is active once a first code was correct. An earlier unfinished setup is
    /// discarded.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for the password; `CONFLICT` if there is a second factor already.
    pub async fn enrol(&self, user: &users::Model, password: &str, client: &ClientInfo) -> Result<Enrolment> {
        self.demand_password(user, password, client).await?;
        if self.confirmed(user.id).await?.is_some() {
            let message = "There is already a second factor. Turn it off first.";
            return Err(Error::new(Code::Conflict, message));
        }
        let (enrolment, sealed) = self.new_secret(user)?;
        let row = second_factors::ActiveModel {
            user_id: Set(user.id),
            sealed: Set(sealed),
            created_at: Set(self.registry.clock().micros()),
            confirmed_at: Set(None),
            last_step: Set(0),
        };
        let again = OnConflict::column(second_factors::Column::UserId)
            .update_columns([second_factors::Column::Sealed, second_factors::Column::CreatedAt])
            .action_and_where(Expr::col((second_factors::Entity, second_factors::Column::ConfirmedAt)).is_null())
            .to_owned();
        let insert = second_factors::Entity::insert(row).on_conflict(again);
        insert.exec_without_returning(self.registry.control().write()).await?;
        Ok(enrolment)
    }

    /// Turns the second factor on by its first code and returns recovery codes, which are shown once. The current
    /// session counts as one with a second factor from then on; all others, which the password alone opened, end.
    ///
    /// # Errors
    /// `BAD_CODE`; `RATE_LIMITED`; `CONFLICT` if no setup was started, or the second factor is on already.
    pub async fn confirm_factor(
        &self,
        user: &users::Model,
        session: SessionId,
        code: &str,
        client: &ClientInfo,
    ) -> Result<Vec<String>> {
        let factor = self.factor(user.id).await?.filter(|factor| factor.confirmed_at.is_none());
        let factor = factor
            .ok_or_else(|| Error::new(Code::Conflict, "There is no second factor to confirm. Set one up first."))?;
        self.demand_code(user, &factor, code, client).await?;
        let now = self.registry.clock().micros();
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        let on = second_factors::Entity::update_many()
            .col_expr(second_factors::Column::ConfirmedAt, Expr::value(now))
            .filter(second_factors::Column::UserId.eq(user.id))
            .filter(second_factors::Column::ConfirmedAt.is_null());
        if on.exec(&tx).await?.rows_affected != 1 {
            return Err(Error::of(Code::Conflict));
        }
        sessions::Entity::update_many()
            .col_expr(sessions::Column::TwoFactors, Expr::value(true))
            .filter(sessions::Column::Id.eq(session))
            .exec(&tx)
            .await?;
        // all other sessions were opened by the password alone
        let others = sessions::Entity::delete_many()
            .filter(sessions::Column::UserId.eq(user.id))
            .filter(sessions::Column::TwoFactors.eq(false))
            .filter(sessions::Column::OnlyTenant.is_null());
        others.exec(&tx).await?;
        let codes = self.new_recovery_codes(&tx, user.id).await?;
        self.tell_factor(&tx, user, true).await?;
        revoked(&tx, user.id.0, now).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        self.log(user.id, Event::new(Kind::SecondFactorOn).from(client)).await;
        Ok(codes)
    }

    /// Replaces the recovery codes.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS`; `BAD_CODE`; `RATE_LIMITED`; `CONFLICT` if there is no second factor.
    pub async fn regenerate_codes(
        &self,
        user: &users::Model,
        password: &str,
        code: &str,
        client: &ClientInfo,
    ) -> Result<Vec<String>> {
        self.demand_both(user, password, code, client).await?;
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        let codes = self.new_recovery_codes(&tx, user.id).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Turns the second factor off. The person is told by email.
    ///
    /// # Errors
    /// As [`Identity::regenerate_codes`].
    pub async fn disable_factor(
        &self,
        user: &users::Model,
        password: &str,
        code: &str,
        client: &ClientInfo,
    ) -> Result<()> {
        self.demand_both(user, password, code, client).await?;
        self.switch_off(user, Event::new(Kind::SecondFactorOff).from(client)).await
    }

    /// Turns off the second factor of somebody who has lost it. Only the operator can do this.
    ///
    /// # Errors
    /// `CONFLICT` if there is none.
    pub async fn drop_factor(&self, user: &users::Model) -> Result<()> {
        if self.confirmed(user.id).await?.is_none() {
            return Err(Error::new(Code::Conflict, "There is no second factor."));
        }
        self.switch_off(user, Event::new(Kind::SecondFactorOff).with("byOperator", true)).await
    }

    async fn switch_off(&self, user: &users::Model, event: Event) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        self.forget_factors(&tx, user.id).await?;
        sessions::Entity::update_many()
            .col_expr(sessions::Column::TwoFactors, Expr::value(false))
            .filter(sessions::Column::UserId.eq(user.id))
            .exec(&tx)
            .await?;
        self.tell_factor(&tx, user, false).await?;
        revoked(&tx, user.id.0, self.registry.clock().micros()).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        self.log(user.id, event).await;
        Ok(())
    }

    async fn demand_both(&self, user: &users::Model, password: &str, code: &str, client: &ClientInfo) -> Result<()> {
        let factor = self.confirmed(user.id).await?;
        let factor = factor.ok_or_else(|| Error::new(Code::Conflict, "There is no second factor."))?;
        self.demand_password(user, password, client).await?;
        self.demand_code(user, &factor, code, client).await
    }

    async fn tell_factor(&self, tx: &DatabaseTransaction, user: &users::Model, on: bool) -> Result<()> {
        let kind = EmailKind::SecondFactor { on };
        self.queue_email(tx, &EmailRequest { to: Some(user.email.clone()), language: user.language.clone(), kind })
            .await
    }

    async fn factor(&self, user: UserId) -> Result<Option<second_factors::Model>> {
        Ok(second_factors::Entity::find_by_id(user).one(self.registry.control().read()).await?)
    }

    async fn confirmed(&self, user: UserId) -> Result<Option<second_factors::Model>> {
        Ok(self.factor(user).await?.filter(|factor| factor.confirmed_at.is_some()))
    }

    /// Deletes everything about a person's second factor.
    pub(super) async fn forget_factors(&self, tx: &DatabaseTransaction, user: UserId) -> Result<()> {
        second_factors::Entity::delete_by_id(user).exec(tx).await?;
        recovery_codes::Entity::delete_many().filter(recovery_codes::Column::UserId.eq(user)).exec(tx).await?;
        self.forget_trust(tx, user).await
    }

    /// Ends what a password opened without the second factor: trusted devices and unfinished sign-ins.
    pub(super) async fn forget_trust(&self, tx: &DatabaseTransaction, user: UserId) -> Result<()> {
        challenges::Entity::delete_many().filter(challenges::Column::UserId.eq(user)).exec(tx).await?;
        trusted_devices::Entity::delete_many().filter(trusted_devices::Column::UserId.eq(user)).exec(tx).await?;
        Ok(())
    }
}
