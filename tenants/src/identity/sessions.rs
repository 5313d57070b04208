//! Signing up, signing in, and staying signed in: a refresh token serves once and is replaced; one that comes back was
//! stolen, and ends its session.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{
    control::{sessions, tenants, users},
    ids::{MemberId, SessionId, TenantId, UserId},
    tenant::{members, roles},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Identity, Visit, check_password,
    tokens::{ACCESS_SECONDS, Claims},
};
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    keys,
    registry::NewOrganisation,
};

/// Life of a session without use, microseconds.
const SESSION: i64 = 30 * 24 * 3600 * 1_000_000;

/// A person who signs up.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub password: String,
}

/// A person's place in an organisation.
#[derive(Clone, Debug)]
pub struct Membership {
    pub organisation: tenants::Model,
    pub member: MemberId,
    /// Name of the role there.
    pub role: String,
}

/// What signing in answers.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: users::Model,
    pub memberships: Vec<Membership>,
    /// The organisation that the access token is for.
    pub organisation: Option<tenants::Model>,
    /// 15 minutes, for that organisation.
    pub access_token: String,
    /// Serves once.
    pub refresh_token: String,
    /// Seconds until the access token ends.
    pub expires_in: i64,
}

impl Identity {
    /// A new person with a new organisation.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong, a taken email address or slug among it.
    pub async fn sign_up(
        &self,
        account: NewAccount,
        organisation: NewOrganisation,
        _visit: &Visit,
    ) -> Result<SignedIn> {
        let mut issues = organisation.issues();
        let user = self.new_user(account, &mut issues).await?;
        if let (None, true) = (self.known(&user.email_key).await?, issues.is_empty()) {
            let (tenant, _) = self.registry.create(organisation, user.clone()).await?;
            return self.begin(user, Some(tenant)).await;
        }
        if issues.is_empty() {
            issues.push(FieldIssue { field: "email".to_owned(), issue: Issue::Taken(None) });
        }
        Err(Error::invalid(issues))
    }

    /// An organisation for a person who may be known already; the operator's way (no password is asked of a known one).
    ///
    /// # Errors
    /// As [`Identity::sign_up`].
    pub async fn create_tenant(&self, account: NewAccount, organisation: NewOrganisation) -> Result<TenantId> {
        let mut issues = organisation.issues();
        let user = match self.known(&email_key(&account.email)).await? {
            Some(known) => known,
            None => self.new_user(account, &mut issues).await?,
        };
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        Ok(self.registry.create(organisation, user).await?.0)
    }

    /// A session for an email address and its password.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS`, in the same words and time whether or not the address is known.
    pub async fn sign_in(&self, email: &str, password: &str, slug: Option<&str>, _visit: &Visit) -> Result<SignedIn> {
        let user = self.known(&email_key(email)).await?;
        let right = self.verify(password, user.as_ref().map(|user| user.password_hash.clone())).await?;
        let user = user.filter(|_| right).ok_or_else(|| Error::of(Code::BadCredentials))?;
        let tenant = self.choose(user.id, slug).await?;
        self.begin(user, tenant).await
    }

    /// New tokens for a refresh token, for the same or another organisation.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the token is not ours, has served or has expired; one that had served ends the session.
    pub async fn refresh(&self, token: &str, slug: Option<&str>, _visit: &Visit) -> Result<SignedIn> {
        let refused = || Error::new(Code::Unauthenticated, "The refresh token has ended; sign in again.");
        let (id, _) = token.split_once('.').ok_or_else(refused)?;
        let id: SessionId = id.parse().map_err(|_| refused())?;
        let now = self.registry.clock().micros();
        let session =
            sessions::Entity::find_by_id(id).one(self.registry.control().read()).await?.ok_or_else(refused)?;
        if session.revoked_at.is_some() || session.expires_at <= now {
            return Err(refused());
        }
        let user = self.registry.user(session.user_id).await?.ok_or_else(refused)?;
        let tenant = self.choose(user.id, slug).await?;
        let (refresh_token, refresh_hash) = new_refresh(id)?;
        let same = bool::from(hash(token).ct_eq(&session.refresh_hash));
        let replaced = if same {
            let changed = sessions::ActiveModel {
                refresh_hash: Set(refresh_hash),
                used_at: Set(now),
                expires_at: Set(now + SESSION),
                ..Default::default()
            };
            let update = sessions::Entity::update_many()
                .set(changed)
                .filter(sessions::Column::Id.eq(id))
                .filter(sessions::Column::RefreshHash.eq(session.refresh_hash));
            update.exec(self.registry.control().write()).await?.rows_affected == 1
        } else {
            false
        };
        if !replaced {
            self.revoke(id, now).await?;
            return Err(refused());
        }
        self.answer(user, id, tenant, refresh_token).await
    }

    /// The organisations of a person, with roles.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        let mut found = Vec::new();
        for (row, organisation) in self.registry.of_user(user).await? {
            let db = self.registry.space(organisation.id).await?;
            let member = members::Entity::find_by_id(row.member_id).one(&db).await?;
            let Some(member) = member.filter(|member| member.archived_at.is_none()) else { continue };
            let role = roles::Entity::find_by_id(member.role_id).one(&db).await?;
            let role = role.map(|role| role.name).unwrap_or_default();
            found.push(Membership { organisation, member: member.id, role });
        }
        Ok(found)
    }

    async fn revoke(&self, id: SessionId, now: i64) -> Result<()> {
        sessions::Entity::update_many()
            .set(sessions::ActiveModel { revoked_at: Set(Some(now)), ..Default::default() })
            .filter(sessions::Column::Id.eq(id))
            .exec(self.registry.control().write())
            .await?;
        Ok(())
    }

    async fn known(&self, key: &str) -> Result<Option<users::Model>> {
        self.registry.user_by_email(key).await
    }

    async fn new_user(&self, account: NewAccount, issues: &mut Vec<FieldIssue>) -> Result<users::Model> {
        let email = account.email.trim().to_owned();
        let at = email.split_once('@');
        if email.len() > 254 || !at.is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
            issues.push(FieldIssue { field: "email".to_owned(), issue: Issue::WrongType("an email address".into()) });
        }
        for (field, name) in [("firstName", &account.first_name), ("lastName", &account.last_name)] {
            if name.chars().count() > 100 {
                issues.push(FieldIssue { field: field.to_owned(), issue: Issue::TooLong("100".to_owned()) });
            }
        }
        issues.extend(check_password(&account.password));
        let password_hash = if issues.is_empty() { self.hash(&account.password).await? } else { String::new() };
        Ok(users::Model {
            id: UserId::new(),
            email_key: email_key(&email),
            email,
            first_name: account.first_name.trim().to_owned(),
            last_name: account.last_name.trim().to_owned(),
            password_hash,
            created_at: self.registry.clock().micros(),
        })
    }

    /// The organisation with the slug, if the person belongs to it; the only one, if there is only one.
    async fn choose(&self, user: UserId, slug: Option<&str>) -> Result<Option<TenantId>> {
        let mut all = self.registry.of_user(user).await?;
        match slug {
            Some(slug) => match all.into_iter().find(|(_, tenant)| tenant.slug == slug) {
                Some((_, tenant)) => Ok(Some(tenant.id)),
                None => Err(Error::new(Code::NotFound, format!("You do not belong to an organisation `{slug}`."))),
            },
            None if all.len() == 1 => Ok(all.pop().map(|(_, tenant)| tenant.id)),
            None => Ok(None),
        }
    }

    async fn begin(&self, user: users::Model, tenant: Option<TenantId>) -> Result<SignedIn> {
        let now = self.registry.clock().micros();
        let id = SessionId::new();
        let (refresh_token, refresh_hash) = new_refresh(id)?;
        let row = sessions::Model {
            id,
            user_id: user.id,
            refresh_hash,
            created_at: now,
            expires_at: now + SESSION,
            used_at: now,
            revoked_at: None,
        };
        let insert = sessions::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.registry.control().write()).await?;
        self.answer(user, id, tenant, refresh_token).await
    }

    async fn answer(
        &self,
        user: users::Model,
        session: SessionId,
        tenant: Option<TenantId>,
        refresh_token: String,
    ) -> Result<SignedIn> {
        let memberships = self.memberships(user.id).await?;
        let chosen = memberships.iter().find(|membership| Some(membership.organisation.id) == tenant);
        let now = self.registry.clock().micros() / 1_000_000;
        let claims = Claims {
            sub: user.id,
            tid: chosen.map(|membership| membership.organisation.id),
            mid: chosen.map(|membership| membership.member),
            sid: session,
            iat: now,
            exp: now + ACCESS_SECONDS,
        };
        Ok(SignedIn {
            access_token: self.signer.sign(&claims)?,
            organisation: chosen.map(|membership| membership.organisation.clone()),
            user,
            memberships,
            refresh_token,
            expires_in: ACCESS_SECONDS,
        })
    }
}

/// An email address as compared.
fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

fn new_refresh(session: SessionId) -> Result<(String, Vec<u8>)> {
    let token = format!("{session}.{}", BASE64_URL_SAFE_NO_PAD.encode(keys::random::<32>()?));
    let hash = hash(&token);
    Ok((token, hash))
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
