//! Signing in takes two steps: the password opens a challenge, and a code turns the challenge into a session. A
//! challenge is useless for anything else, lives for five minutes and accepts five attempts.

use entities::{
    control::{challenges, users},
    ids::ChallengeId,
};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    super::{ClientInfo, SignedIn, guard::unchanged, links},
    Identity,
};
use crate::error::{Code, Error, Result};

/// Life of a challenge, microseconds.
const LIFE: i64 = 5 * 60 * 1_000_000;
/// How many wrong codes a challenge accepts.
const TRIES: i32 = 5;

impl Identity {
    /// Whether the person has a second factor that need not be asked for now: true on a trusted device, false if they
    /// have no second factor.
    ///
    /// # Errors
    /// `SECOND_FACTOR_NEEDED` with the `challenge` to answer.
    pub(in super::super) async fn challenge(
        &self,
        user: &users::Model,
        slug: Option<&str>,
        remember: bool,
        client: &ClientInfo,
    ) -> Result<bool> {
        if self.confirmed(user.id).await?.is_none() {
            return Ok(false);
        }
        if self.is_trusted(user, client).await? {
            return Ok(true);
        }
        let now = self.registry.clock().micros();
        let id = ChallengeId::new();
        let (token, token_hash) = links::token(id)?;
        let row = challenges::Model {
            id,
            user_id: user.id,
            token_hash,
            organisation: slug.map(str::to_owned),
            remember,
            tries: 0,
            expires_at: now + LIFE,
        };
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        challenges::Entity::delete_many().filter(challenges::Column::ExpiresAt.lte(now)).exec(&tx).await?;
        challenges::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Err(Error::of(Code::SecondFactorNeeded).with("challenge", token).with("expiresIn", LIFE / 1_000_000))
    }

    /// Exchanges a challenge and a code for a session. With `trust`, this device is not asked for a code for 30 days.
    ///
    /// # Errors
    /// `BAD_CODE`; `RATE_LIMITED`; `UNAUTHENTICATED` if the challenge is unknown, has expired, or had too many
    /// attempts.
    pub async fn finish_sign_in(&self, token: &str, code: &str, trust: bool, client: &ClientInfo) -> Result<SignedIn> {
        let over = || Error::new(Code::Unauthenticated, "The sign-in has expired. Start again with the password.");
        let id: ChallengeId = links::id(token).ok_or_else(over)?;
        let control = self.registry.control();
        let now = self.registry.clock().micros();
        let row = challenges::Entity::find_by_id(id).one(control.read()).await?;
        let row = row.filter(|row| links::matches(token, &row.token_hash) && row.expires_at > now);
        let row = row.filter(|row| row.tries < TRIES).ok_or_else(over)?;
        let user = self.registry.user(row.user_id).await?.ok_or_else(over)?;
        let factor = self.confirmed(user.id).await?.ok_or_else(over)?;
        // count before checking, so that codes sent in parallel cannot pass the limit
        let counted = challenges::Entity::update_many()
            .col_expr(challenges::Column::Tries, Expr::col(challenges::Column::Tries).add(1))
            .filter(challenges::Column::Id.eq(id))
            .filter(challenges::Column::Tries.lt(TRIES));
        if counted.exec(control.write()).await?.rows_affected != 1 {
            return Err(over());
        }
        self.demand_code(&user, &factor, code, client).await?;
        if challenges::Entity::delete_by_id(id).exec(control.write()).await?.rows_affected != 1 {
            return Err(over());
        }
        let device_token = if trust { self.trust(&user, client).await? } else { None };
        let signed = self.enter(user, row.organisation.as_deref(), row.remember, true, client).await?;
        Ok(SignedIn { device_token, ..signed })
    }
}
