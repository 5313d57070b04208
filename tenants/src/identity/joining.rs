//! How people join and leave, in the control plane. Their memberships in the tenants' spaces are written by the layers
//! above.

use entities::{
    control::{email_changes, memberships, pictures, recoveries, sessions, sign_on_links, sign_ups, users},
    ids::{MemberId, TenantId, UserId},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use super::{
    ClientInfo, Identity, NewAccount, Notice,
    emails::{EmailKind, EmailRequest},
    people::{check_email, check_name, email_key},
};
use crate::{
    Settings,
    error::{Code, Error, Result},
    registry::{Person, hold},
    watch::revoked,
};

impl Identity {
    /// A new person who is invited to an organisation; [`Identity::join`] stores them.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`; `CONFLICT` if the address already has an account.
    pub async fn newcomer(&self, account: NewAccount, organisation: &Settings, client: &ClientInfo) -> Result<Person> {
        let about = [organisation.name.as_str(), &organisation.slug];
        let issues = self.issues(&account, about, client.network()).await?;
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        if self.registry.user_by_email(&email_key(&account.email)).await?.is_some() {
            let reported = "This address already has an account. Sign in, then accept the invitation.";
            return Err(Error::new(Code::Conflict, reported));
        }
        let speaks = (organisation.language.as_str(), organisation.time_zone.name());
        Ok(Person::New(self.person(self.applicant(account, speaks, client.network()).await?)))
    }

    /// A new person whom a provider identifies. They have no password until they set one through a link by email.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` if what the provider sent is not valid.
    pub fn without_password(&self, email: &str, first: &str, last: &str, organisation: &Settings) -> Result<Person> {
        let issues: Vec<_> = check_email("email", email).into_iter().collect();
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        // an unusable name does not keep the person out: the address is shown instead
        let named = |name: &str| check_name("", name).map_or_else(|| name.trim().to_owned(), |_| String::new());
        let now = self.registry.clock().micros();
        Ok(Person::New(users::Model {
            id: UserId::new(),
            email: email.trim().to_owned(),
            email_key: email_key(email),
            first_name: named(first),
            last_name: named(last),
            password_hash: String::new(),
            language: organisation.language.clone(),
            time_zone: organisation.time_zone.name().to_owned(),
            muted: String::new(),
            created_at: now,
            password_changed_at: now,
        }))
    }

    /// Stores that a person is a member of an organisation, and the person if they are new.
    ///
    /// # Errors
    /// `CONFLICT` if somebody else has taken the address meanwhile; `UNAUTHENTICATED` if the person was deleted.
    pub async fn join(&self, person: &Person, tenant: TenantId, member: MemberId) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        person.save(&tx).await?;
        let row = memberships::Model { user_id: person.row().id, tenant_id: tenant, member_id: member };
        let again = OnConflict::columns([memberships::Column::UserId, memberships::Column::TenantId])
            .update_column(memberships::Column::MemberId)
            .to_owned();
        let insert = memberships::Entity::insert(row.into_active_model()).on_conflict(again);
        insert.exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a person who has left these organisations: sessions, links, picture, names, address. A last email
    /// confirms it.
    ///
    /// # Errors
    /// `CONFLICT` if they joined another organisation meanwhile.
    pub async fn erase(&self, user: &users::Model, left: &[TenantId]) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        // whoever is adding the person to an organisation waits for this, and then does not find them
        hold(&tx, user.id).await?;
        if self.registry.of_user_in(&tx, user.id).await?.iter().any(|(row, _)| !left.contains(&row.tenant_id)) {
            let reported = "You have just joined another organisation. Leave it too, or keep your account.";
            return Err(Error::new(Code::Conflict, reported));
        }
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
        self.queue_email(&tx, &EmailRequest { to, language, kind: EmailKind::AccountDeleted }).await?;
        revoked(&tx, user.id.0, self.registry.clock().micros()).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    /// Sends a notice to a person, unless they have turned such notices off.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn notify(&self, user: UserId, notice: Notice, kind: EmailKind) -> Result<()> {
        let Some(user) = self.registry.user(user).await? else { return Ok(()) };
        if Notice::muted_by(&user).contains(&notice) {
            return Ok(());
        }
        self.send_email(&EmailRequest { to: Some(user.email), language: user.language, kind }).await
    }

    /// Queues an email.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn send_email(&self, request: &EmailRequest) -> Result<()> {
        self.queue_email(self.registry.control().write(), request).await?;
        self.registry.tickets().wake();
        Ok(())
    }
}
