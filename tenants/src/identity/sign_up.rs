//! Signing up. No account is created and no name is reserved until somebody who knows the password follows the link
//! that was sent to the address. Until then the answer is the same for every address.

use entities::{
    control::{sign_ups, users},
    ids::SignUpId,
};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};

use super::{
    ClientInfo, Identity, NewAccount, SignedIn,
    emails::{EmailKind, EmailRequest},
    links,
    people::{Applicant, email_key},
};
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    keys::of_row,
    registry::{NewOrganisation, Person},
};

/// Life of a link, microseconds.
const LIFE: i64 = 24 * 3600 * 1_000_000;
/// Emails that one address may get per hour. It stops floods; and a stranger who signs up with somebody's address
/// cannot block them for long.
const MOST: u64 = 5;
/// Microseconds.
const HOUR: i64 = 3600 * 1_000_000;
/// How many wrong passwords a link accepts.
const TRIES: i32 = 10;
/// How long following a link may take before another attempt is allowed, microseconds.
const CLAIM: i64 = 60 * 1_000_000;

/// The purpose that pending sign-ups are sealed for.
pub(crate) const SEALED: &str = "sign-ups";

#[derive(Serialize, Deserialize)]
struct Pending {
    applicant: Applicant,
    organisation: NewOrganisation,
}

impl Identity {
    /// Sends a link to the address, or a notice if it already has an account. Both take the same work.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, also for a slug that is taken; `RATE_LIMITED` after too many emails. It never tells whether
    /// the address has an account.
    pub async fn sign_up(&self, account: NewAccount, organisation: NewOrganisation, client: &ClientInfo) -> Result<()> {
        let mut issues = organisation.issues();
        issues.extend(self.issues(&account, [&organisation.name, &organisation.slug], client.network()).await?);
        if issues.is_empty() && self.registry.by_slug(&organisation.slug).await.is_ok() {
            issues.push(FieldIssue { field: "organisation.slug".to_owned(), issue: Issue::Taken(None) });
        }
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        self.may_write(client).await?;
        let key = email_key(&account.email);
        let known = self.registry.user_by_email(&key).await?;
        let speaks = (organisation.language.as_str(), organisation.time_zone.as_str());
        let applicant = self.applicant(account, speaks, client.network()).await?;
        let (to, language) = (Some(applicant.email.clone()), organisation.language.clone());
        let (row, token) = self.pending(key, &Pending { applicant, organisation })?;
        let kind = match known {
            None => EmailKind::ConfirmSignUp { token },
            Some(_) => EmailKind::AlreadyRegistered,
        };
        let tx = self.registry.control().begin().await?;
        sign_ups::Entity::delete_many().filter(sign_ups::Column::ExpiresAt.lte(row.created_at)).exec(&tx).await?;
        let lately = sign_ups::Entity::find()
            .filter(sign_ups::Column::EmailKey.eq(&row.email_key))
            .filter(sign_ups::Column::CreatedAt.gt(row.created_at - HOUR));
        if lately.count(&tx).await? < MOST {
            sign_ups::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
            self.queue_email(&tx, &EmailRequest { to, language, kind }).await?;
        }
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    fn pending(&self, email_key: String, pending: &Pending) -> Result<(sign_ups::Model, String)> {
        let (id, now) = (SignUpId::new(), self.registry.clock().micros());
        let (token, token_hash) = links::token(id)?;
        let clear = serde_json::to_vec(pending).map_err(Error::internal)?;
        let sealed = self.registry.master().seal(&of_row(SEALED, id), &clear)?;
        let expires_at = now + LIFE;
        let row =
            sign_ups::Model { id, email_key, sealed, token_hash, claimed_at: 0, created_at: now, expires_at, tries: 0 };
        Ok((row, token))
    }

    /// Creates person and organisation by a link and the password of that sign-up, and signs in. `slug` is another name
    /// for the organisation, for the case that the requested one was taken meanwhile.
    ///
    /// # Errors
    /// `LINK_EXPIRED`; `BAD_CREDENTIALS` for another password; `VALIDATION_FAILED` for a taken slug.
    pub async fn confirm_sign_up(
        &self,
        token: &str,
        password: &str,
        slug: Option<String>,
        remember: bool,
        client: &ClientInfo,
    ) -> Result<SignedIn> {
        let expired = || Error::of(Code::LinkExpired);
        let id: SignUpId = links::id(token).ok_or_else(expired)?;
        let row = sign_ups::Entity::find_by_id(id).one(self.registry.control().read()).await?;
        let now = self.registry.clock().micros();
        let row = row.filter(|row| links::matches(token, &row.token_hash) && row.expires_at > now);
        let row = row.ok_or_else(expired)?;
        let clear = self.registry.master().unseal(&of_row(SEALED, id), &row.sealed).ok_or_else(expired)?;
        let Pending { applicant, mut organisation } = serde_json::from_slice(&clear).map_err(Error::internal)?;
        self.count_try(id).await?;
        if !self.verify(password, Some(applicant.password_hash.clone()), client.network()).await? {
            return Err(Error::new(Code::BadCredentials, "This is not the password that was chosen at sign-up."));
        }
        let forgiven = sign_ups::Entity::update_many().col_expr(sign_ups::Column::Tries, Expr::value(0));
        forgiven.filter(sign_ups::Column::Id.eq(id)).exec(self.registry.control().write()).await?;
        organisation.slug = slug.unwrap_or(organisation.slug);
        self.claim(&row, now).await?;
        let (user, tenant) = match self.found(self.person(applicant), organisation).await {
            Ok(made) => made,
            Err(error) => {
                let free = sign_ups::Entity::update_many().col_expr(sign_ups::Column::ClaimedAt, Expr::value(0i64));
                free.filter(sign_ups::Column::Id.eq(id)).exec(self.registry.control().write()).await?;
                return Err(error);
            }
        };
        let others = sign_ups::Entity::delete_many().filter(sign_ups::Column::EmailKey.eq(&user.email_key));
        others.exec(self.registry.control().write()).await?;
        self.begin(user, Some(tenant), remember, client).await
    }

    /// Counts an attempt before the password is checked, so that parallel attempts cannot pass the limit. A link with
    /// too many attempts is no longer valid.
    async fn count_try(&self, id: SignUpId) -> Result<()> {
        let update = sign_ups::Entity::update_many()
            .col_expr(sign_ups::Column::Tries, Expr::col(sign_ups::Column::Tries).add(1))
            .filter(sign_ups::Column::Id.eq(id))
            .filter(sign_ups::Column::Tries.lt(TRIES))
            .exec(self.registry.control().write());
        if update.await?.rows_affected == 1 { Ok(()) } else { Err(Error::of(Code::LinkExpired)) }
    }

    /// If several requests follow the same link at once, one succeeds.
    async fn claim(&self, row: &sign_ups::Model, now: i64) -> Result<()> {
        let update = sign_ups::Entity::update_many()
            .col_expr(sign_ups::Column::ClaimedAt, Expr::value(now))
            .filter(sign_ups::Column::Id.eq(row.id))
            .filter(sign_ups::Column::ClaimedAt.lt(now - CLAIM))
            .exec(self.registry.control().write());
        if update.await?.rows_affected == 1 { Ok(()) } else { Err(Error::of(Code::Busy)) }
    }

    async fn found(
        &self,
        user: users::Model,
        organisation: NewOrganisation,
    ) -> Result<(users::Model, entities::ids::TenantId)> {
        if self.registry.user_by_email(&user.email_key).await?.is_some() {
            return Err(Error::new(Code::LinkExpired, "This address already has an account. Sign in."));
        }
        let (tenant, _) = self.registry.create(organisation, Person::New(user.clone())).await?;
        Ok((user, tenant))
    }
}
