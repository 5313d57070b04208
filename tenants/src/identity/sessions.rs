//! Signing in and staying signed in. A refresh token works once and is replaced. If an old one comes back, it was
//! stolen, and its session ends.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{
    control::{sessions, tenants, users},
    ids::{MemberId, SessionId, TenantId, UserId},
    tenant::{members, roles},
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use super::{
    ClientInfo, Identity,
    guard::unchanged,
    links,
    people::email_key,
    tokens::{ACCESS_SECONDS, Claims},
};
use crate::{
    error::{Code, Error, Result},
    keys::of_row,
    security_log::{Event, Kind},
    watch::revoked,
};

/// How long a session lives without use, microseconds: a remembered one, and any other.
pub(super) const REMEMBERED: i64 = 30 * 24 * 3600 * 1_000_000;
const FORGOTTEN: i64 = 12 * 3600 * 1_000_000;
/// The purpose that refresh tokens are sealed for.
const REFRESH: &str = "refresh token";
/// Most sessions of a person; beyond that, the longest unused one ends.
pub(super) const MOST: u64 = 100;

/// A person's membership in an organisation.
#[derive(Clone, Debug)]
pub struct Membership {
    pub organisation: tenants::Model,
    pub member: MemberId,
    /// Name of their role there.
    pub role: String,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Factors {
    One,
    /// Password and second factor, or a trusted device.
    Two,
    /// Through the provider of this organisation.
    Elsewhere(TenantId),
}

/// The answer to a sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: users::Model,
    pub memberships: Vec<Membership>,
    /// The organisation that the access token is for.
    pub organisation: Option<tenants::Model>,
    /// Valid for 15 minutes, for that organisation.
    pub access_token: String,
    /// Works once.
    pub refresh_token: String,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// The token that makes the device known, if one was already issued.
    pub device_token: Option<String>,
}

impl Identity {
    /// Opens a session with an email address and password. A remembered session lasts for 30 days without use, any
    /// other for 12 hours.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS`, with the same message and timing whether or not the address exists; `SECOND_FACTOR_NEEDED`
    /// with the `challenge` for [`Identity::finish_sign_in`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        slug: Option<&str>,
        remember: bool,
        client: &ClientInfo,
    ) -> Result<SignedIn> {
        let account = email_key(email);
        let user = self.registry.user_by_email(&account).await?;
        let right = self.prove(&account, user.as_ref(), password, client).await?;
        let user = user.filter(|_| right).ok_or_else(|| Error::of(Code::BadCredentials))?;
        let two_factors = self.challenge(&user, slug, remember, client).await?;
        self.enter(user, slug, remember, two_factors, client).await
    }

    /// Opens a session for somebody who has passed every check.
    pub(super) async fn enter(
        &self,
        user: users::Model,
        slug: Option<&str>,
        remember: bool,
        two_factors: bool,
        client: &ClientInfo,
    ) -> Result<SignedIn> {
        let tenant = self.choose(user.id, slug).await?;
        let proven = if two_factors { Factors::Two } else { Factors::One };
        let signed = self.open_session(user, tenant, remember, proven, client).await?;
        self.tell_signed_in(signed.user.id, tenant, client).await;
        Ok(signed)
    }

    /// Exchanges a refresh token for new tokens, for the same or another organisation.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the token is not valid, was used or has expired. A token that was already used ends the
    /// session.
    pub async fn refresh(&self, token: &str, slug: Option<&str>, client: &ClientInfo) -> Result<SignedIn> {
        let refused = || Error::new(Code::Unauthenticated, "The refresh token has expired. Sign in again.");
        let id: SessionId = links::id(token).ok_or_else(refused)?;
        let session = self.live(id).await?.ok_or_else(refused)?;
        if !links::matches(token, &session.refresh_hash) {
            // session ids are not secret: a text that was never the session's token must not end it
            if self.was_token(token, id) {
                self.replayed(&session, client).await?;
            }
            return Err(refused());
        }
        let user = self.registry.user(session.user_id).await?.ok_or_else(refused)?;
        let tenant = match session.only_tenant {
            None => self.choose(user.id, slug).await?,
            Some(only) => {
                let known = self.registry.of_user(user.id).await?.into_iter().find(|(_, tenant)| tenant.id == only);
                let known = known.filter(|(_, tenant)| slug.is_none_or(|slug| slug == tenant.slug));
                let elsewhere = || {
                    Error::new(
                        Code::NotFound,
                        "This session is only valid for the organisation whose provider you used.",
                    )
                };
                Some(known.ok_or_else(elsewhere)?.1.id)
            }
        };
        let now = self.registry.clock().micros();
        let (refresh_token, refresh_hash) = self.refresh_token(id)?;
        let changed = sessions::ActiveModel {
            refresh_hash: Set(refresh_hash),
            used_at: Set(now),
            expires_at: Set(now + session.life),
            address: Set(client.address.to_string()),
            agent: Set(client.agent.clone()),
            last_tenant: tenant.map_or(NotSet, |tenant| Set(Some(tenant))),
            ..Default::default()
        };
        let update = sessions::Entity::update_many()
            .set(changed)
            .filter(sessions::Column::Id.eq(id))
            .filter(sessions::Column::RevokedAt.is_null())
            .filter(sessions::Column::RefreshHash.eq(session.refresh_hash.clone()));
        if update.exec(self.registry.control().write()).await?.rows_affected != 1 {
            self.replayed(&session, client).await?;
            return Err(refused());
        }
        if tenant.is_some() && tenant != session.last_tenant {
            self.tell_signed_in(user.id, tenant, client).await;
        }
        let mut signed = self.answer(user, id, tenant, refresh_token).await?;
        let only = session.only_tenant;
        signed.memberships.retain(|place| only.is_none_or(|only| only == place.organisation.id));
        Ok(signed)
    }

    /// A refresh token of a session, and the hash that is stored. Its secret is a seal of ours, so that used tokens are
    /// recognised without being stored.
    fn refresh_token(&self, id: SessionId) -> Result<(String, Vec<u8>)> {
        let seal = self.registry.master().seal(&of_row(REFRESH, id), &[])?;
        let token = format!("{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(seal));
        let hash = links::hash(&token);
        Ok((token, hash))
    }

    /// Whether a text was ever the refresh token of a session.
    fn was_token(&self, token: &str, id: SessionId) -> bool {
        let seal = token.split_once('.').and_then(|(_, seal)| BASE64_URL_SAFE_NO_PAD.decode(seal).ok());
        seal.is_some_and(|seal| self.registry.master().unseal(&of_row(REFRESH, id), &seal).is_some())
    }

    /// A used token came back: it was stolen or copied, and we cannot know by whom.
    async fn replayed(&self, session: &sessions::Model, client: &ClientInfo) -> Result<()> {
        self.end_session(session.user_id, session.id).await?;
        self.log(session.user_id, Event::new(Kind::SessionReplayed).from(client)).await;
        Ok(())
    }

    /// A session that has neither ended nor expired.
    pub(super) async fn live(&self, id: SessionId) -> Result<Option<sessions::Model>> {
        let now = self.registry.clock().micros();
        let session = sessions::Entity::find_by_id(id).one(self.registry.control().read()).await?;
        Ok(session.filter(|session| session.revoked_at.is_none() && session.expires_at > now))
    }

    /// Ends one session of a person. Returns false if there was none.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn end_session(&self, user: UserId, id: SessionId) -> Result<bool> {
        let now = self.registry.clock().micros();
        let update = sessions::Entity::update_many()
            .set(sessions::ActiveModel { revoked_at: Set(Some(now)), ..Default::default() })
            .filter(sessions::Column::Id.eq(id))
            .filter(sessions::Column::UserId.eq(user))
            .filter(sessions::Column::RevokedAt.is_null());
        let tx = self.registry.control().begin().await?;
        let ended = update.exec(&tx).await?.rows_affected == 1;
        if ended {
            revoked(&tx, user.0, now).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends the sessions of a person, all or all but one. This comes last in a transaction.
    pub(super) async fn end_sessions(
        &self,
        tx: &DatabaseTransaction,
        user: UserId,
        but: Option<SessionId>,
    ) -> Result<()> {
        let now = self.registry.clock().micros();
        let mut update = sessions::Entity::update_many()
            .set(sessions::ActiveModel { revoked_at: Set(Some(now)), ..Default::default() })
            .filter(sessions::Column::UserId.eq(user))
            .filter(sessions::Column::RevokedAt.is_null());
        if let Some(kept) = but {
            update = update.filter(sessions::Column::Id.ne(kept));
        }
        update.exec(tx).await?;
        revoked(tx, user.0, now).await
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

    /// The organisation with the slug, if the person is a member; without a slug, their only organisation.
    async fn choose(&self, user: UserId, slug: Option<&str>) -> Result<Option<TenantId>> {
        let mut all = self.registry.of_user(user).await?;
        match slug {
            Some(slug) => match all.into_iter().find(|(_, tenant)| tenant.slug == slug) {
                Some((_, tenant)) => Ok(Some(tenant.id)),
                None => Err(Error::new(Code::NotFound, format!("You are not a member of an organisation `{slug}`."))),
            },
            None if all.len() == 1 => Ok(all.pop().map(|(_, tenant)| tenant.id)),
            None => Ok(None),
        }
    }

    /// Opens a session and deletes this person's expired ones.
    pub(super) async fn begin(
        &self,
        user: users::Model,
        tenant: Option<TenantId>,
        remember: bool,
        client: &ClientInfo,
    ) -> Result<SignedIn> {
        self.open_session(user, tenant, remember, Factors::One, client).await
    }

    /// Opens a session that is valid for one organisation, whose provider identified the person.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn begin_bound(&self, user: users::Model, tenant: TenantId, client: &ClientInfo) -> Result<SignedIn> {
        let signed = self.open_session(user, Some(tenant), false, Factors::Elsewhere(tenant), client).await?;
        self.tell_signed_in(signed.user.id, Some(tenant), client).await;
        Ok(signed)
    }

    async fn open_session(
        &self,
        user: users::Model,
        tenant: Option<TenantId>,
        remember: bool,
        proven: Factors,
        client: &ClientInfo,
    ) -> Result<SignedIn> {
        let now = self.registry.clock().micros();
        let id = SessionId::new();
        let life = if remember { REMEMBERED } else { FORGOTTEN };
        let (refresh_token, refresh_hash) = self.refresh_token(id)?;
        let row = sessions::Model {
            id,
            user_id: user.id,
            refresh_hash,
            created_at: now,
            expires_at: now + life,
            used_at: now,
            revoked_at: None,
            life,
            address: client.address.to_string(),
            agent: client.agent.clone(),
            two_factors: proven == Factors::Two,
            only_tenant: match proven {
                Factors::Elsewhere(tenant) => Some(tenant),
                _ => None,
            },
            last_tenant: tenant,
        };
        let over = sea_orm::Condition::any()
            .add(sessions::Column::ExpiresAt.lte(now))
            .add(sessions::Column::RevokedAt.is_not_null());
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, &user).await?;
        let swept = sessions::Entity::delete_many().filter(sessions::Column::UserId.eq(user.id)).filter(over);
        swept.exec(&tx).await?;
        sessions::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        let too_many = sessions::Entity::find()
            .filter(sessions::Column::UserId.eq(user.id))
            .order_by_desc(sessions::Column::UsedAt)
            .offset(MOST)
            .limit(MOST);
        let too_many = too_many.all(&tx).await?;
        for old in &too_many {
            sessions::Entity::delete_by_id(old.id).exec(&tx).await?;
        }
        if !too_many.is_empty() {
            revoked(&tx, user.id.0, now).await?;
        }
        tx.commit().await?;
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
            device_token: None,
        })
    }
}
