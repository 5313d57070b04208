//! Coming and going of people, as the control plane knows them. Their places in organisations are written above.

use entities::{
    control::{email_changes, memberships, pictures, recoveries, sessions, sign_on_links, sign_ups, users},
    ids::{MemberId, TenantId, UserId},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use super::{
    Identity, NewAccount, Notice,
    letters::{Letter, Post},
    people::{check_email, email_key},
};
use crate::{
    Settings,
    db::violation,
    error::{Code, Error, Result},
};

impl Identity {
    /// Somebody new who is invited to an organisation; [`Identity::join`] writes them down.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong, `CONFLICT` where the address has an account.
    pub async fn newcomer(&self, account: NewAccount, organisation: &Settings) -> Result<users::Model> {
        let issues = account.issues([&organisation.name, &organisation.slug]);
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        if self.registry.user_by_email(&email_key(&account.email)).await?.is_some() {
            return Err(known());
        }
        let applicant = self.applicant(account, &organisation.language, organisation.time_zone.name()).await?;
        Ok(self.person(applicant))
    }

    /// Somebody new whom a provider vouches for: without a password, until one is set by a mailed link.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what the provider says wrong.
    pub fn without_password(
        &self,
        email: &str,
        first: &str,
        last: &str,
        organisation: &Settings,
    ) -> Result<users::Model> {
        let issues: Vec<_> = check_email("email", email).into_iter().collect();
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        Ok(users::Model {
            id: UserId::new(),
            email: email.trim().to_owned(),
            email_key: email_key(email),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            password_hash: String::new(),
            language: organisation.language.clone(),
            time_zone: organisation.time_zone.name().to_owned(),
            muted: String::new(),
            created_at: self.registry.clock().micros(),
        })
    }

    /// Notes where a person is a member, and the person where they are new.
    ///
    /// # Errors
    /// `CONFLICT` where somebody else has the address meanwhile.
    pub async fn join(&self, user: &users::Model, tenant: TenantId, member: MemberId) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        if users::Entity::find_by_id(user.id).one(&tx).await?.is_none() {
            let inserted = users::Entity::insert(user.clone().into_active_model()).exec_without_returning(&tx).await;
            inserted.map_err(|error| if violation(&error).is_some() { known() } else { error.into() })?;
        }
        let row = memberships::Model { user_id: user.id, tenant_id: tenant, member_id: member };
        let again = OnConflict::columns([memberships::Column::UserId, memberships::Column::TenantId])
            .update_column(memberships::Column::MemberId)
            .to_owned();
        let insert = memberships::Entity::insert(row.into_active_model()).on_conflict(again);
        insert.exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a person: sessions, links, picture, names, address. A last letter says so.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn erase(&self, user: &users::Model) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        sessions::Entity::delete_many().filter(sessions::Column::UserId.eq(user.id)).exec(&tx).await?;
        memberships::Entity::delete_many().filter(memberships::Column::UserId.eq(user.id)).exec(&tx).await?;
        pictures::Entity::delete_by_id(user.id).exec(&tx).await?;
        sign_on_links::Entity::delete_many().filter(sign_on_links::Column::UserId.eq(user.id)).exec(&tx).await?;
        self.forget_factors(&tx, user.id).await?;
        email_changes::Entity::delete_by_id(user.id).exec(&tx).await?;
        recoveries::Entity::delete_many().filter(recoveries::Column::EmailKey.eq(&user.email_key)).exec(&tx).await?;
        sign_ups::Entity::delete_many().filter(sign_ups::Column::EmailKey.eq(&user.email_key)).exec(&tx).await?;
        users::Entity::delete_by_id(user.id).exec(&tx).await?;
        let (to, language) = (Some(user.email.clone()), user.language.clone());
        self.write(&tx, &Post { to, language, letter: Letter::AccountDeleted }).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    /// Writes to a person, unless they do without such letters.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn notify(&self, user: UserId, notice: Notice, letter: Letter) -> Result<()> {
        let Some(user) = self.registry.user(user).await? else { return Ok(()) };
        if Notice::muted_by(&user).contains(&notice) {
            return Ok(());
        }
        self.post(&Post { to: Some(user.email), language: user.language, letter }).await
    }

    /// Has a letter sent.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn post(&self, post: &Post) -> Result<()> {
        self.write(self.registry.control().write(), post).await?;
        self.registry.tickets().wake();
        Ok(())
    }
}

fn known() -> Error {
    Error::new(Code::Conflict, "This address has an account already; sign in, then accept the invitation.")
}
