//! What signed-in people do with their own account.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use records::{
    invitations::{self, Answering},
    members,
    rules::RuleSet,
};
use tenants::identity::{self as people, ClientInfo, ProfilePatch, SignedInUser, for_one_organisation};

use super::{
    model::{MembershipView, OrganisationInput, User},
    schema::{forget, identity, know, person, signed_in_user, to_graphql_error},
};

/// The mutations of this file.
#[derive(Default)]
pub struct Own;

/// Changes of a profile; what is not given stays.
#[derive(InputObject)]
pub struct ProfileInput {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// `en`, `fr` or `es`.
    pub language: Option<String>,
    /// IANA name, such as `Africa/Algiers`.
    pub time_zone: Option<String>,
    /// Emails that are turned off. Emails about the security of the account are always sent.
    pub muted: Option<Vec<Notice>>,
}

/// A new person, whose address was invited.
#[derive(InputObject)]
pub struct PersonInput {
    pub first_name: String,
    pub last_name: String,
    /// 10 to 128 characters.
    pub password: String,
}

/// An email that can be turned off.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "people::Notice")]
pub enum Notice {
    /// Somebody accepted their invitation.
    InvitationAccepted,
}

/// The state of a change of address.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "people::EmailChange")]
pub enum EmailChange {
    /// The other address has not confirmed yet.
    Waiting,
    /// Both confirmed; the address is changed.
    Done,
}

#[Object]
impl Own {
    /// Changes the profile.
    async fn update_profile(&self, ctx: &Context<'_>, input: ProfileInput) -> async_graphql::Result<User> {
        let (user, _) = person(ctx).await?;
        let ProfileInput { first_name, last_name, language, time_zone, muted } = input;
        let muted = muted.map(|list| list.into_iter().map(Into::into).collect());
        let patch = ProfilePatch { first_name, last_name, language, time_zone, muted };
        identity(ctx).update_profile(&user, patch).await.map(User::from).map_err(|error| to_graphql_error(&error))
    }

    /// Changes the password (10 to 128 characters) and ends all other sessions.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        password: String,
        new_password: String,
    ) -> async_graphql::Result<bool> {
        let (user, session) = person(ctx).await?;
        let client: &ClientInfo = ctx.data_unchecked();
        let changed = identity(ctx).change_password(&user, session, &password, &new_password, client).await;
        changed.map_err(|error| to_graphql_error(&error))?;
        if client.is_known_for(&user) {
            know(ctx, &user, None)?;
        }
        Ok(true)
    }

    /// Requests a change of the email address. A link is sent to the new address and to the old one; the address
    /// changes when both were used.
    async fn change_email(&self, ctx: &Context<'_>, password: String, email: String) -> async_graphql::Result<bool> {
        let (user, _) = person(ctx).await?;
        let asked = identity(ctx).change_email(&user, &password, &email, ctx.data_unchecked()).await;
        asked.map(|()| true).map_err(|error| to_graphql_error(&error))
    }

    /// Confirms a change of address with the token of one of its two links. It works without signing in.
    async fn confirm_email(&self, ctx: &Context<'_>, token: String) -> async_graphql::Result<EmailChange> {
        let state = identity(ctx).confirm_email(&token, ctx.data_unchecked()).await;
        state.map(Into::into).map_err(|error| to_graphql_error(&error))
    }

    /// Ends this session, or another session of the same person by its id.
    async fn sign_out(&self, ctx: &Context<'_>, session: Option<ID>) -> async_graphql::Result<bool> {
        let SignedInUser { user, session: own, only } = signed_in_user(ctx).await?;
        let nobody = || tenants::Error::new(tenants::Code::NotFound, "There is no such session.");
        let id = session.map_or(Ok(own), |id| id.parse().map_err(|_| to_graphql_error(&nobody())))?;
        if only.is_some() && id != own {
            return Err(to_graphql_error(&for_one_organisation()));
        }
        let ended = identity(ctx).sign_out(&user, id, ctx.data_unchecked()).await;
        if id == own && ended.is_ok() {
            forget(ctx);
        }
        ended.map(|()| true).map_err(|error| to_graphql_error(&error))
    }

    /// Ends all sessions of the person, including this one.
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let (user, _) = person(ctx).await?;
        let ended = identity(ctx).sign_out_everywhere(&user, ctx.data_unchecked()).await;
        if ended.is_ok() {
            forget(ctx);
        }
        ended.map(|()| true).map_err(|error| to_graphql_error(&error))
    }

    /// Creates another organisation, owned by the person. `refresh` with its slug returns an access token for it.
    async fn create_organisation(
        &self,
        ctx: &Context<'_>,
        input: OrganisationInput,
    ) -> async_graphql::Result<MembershipView> {
        let (user, _) = person(ctx).await?;
        let made = identity(ctx).found_organisation(&user, input.into()).await;
        made.map(MembershipView::from).map_err(|error| to_graphql_error(&error))
    }

    /// Accepts an invitation with the token of its link. People with an account sign in with the invited address first;
    /// others give `person`, and sign in afterwards. `refresh` with the organisation's slug returns an access token for
    /// it.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        token: String,
        person: Option<PersonInput>,
    ) -> async_graphql::Result<MembershipView> {
        let who = match person {
            Some(PersonInput { first_name, last_name, password }) => Answering::New { first_name, last_name, password },
            None => Answering::Known(self::person(ctx).await?.0),
        };
        let rules = Arc::clone(ctx.data_unchecked::<Arc<RuleSet>>());
        let joined = invitations::accept(identity(ctx), rules, &token, who, ctx.data_unchecked()).await;
        joined.map(MembershipView::from).map_err(|error| to_graphql_error(&error))
    }

    /// Deletes the account permanently. The only owner of an organisation must make somebody else the owner first.
    async fn delete_account(&self, ctx: &Context<'_>, password: String) -> async_graphql::Result<bool> {
        let (user, _) = person(ctx).await?;
        let rules = ctx.data_unchecked::<Arc<RuleSet>>();
        let gone = members::delete_account(identity(ctx), rules, &user, &password, ctx.data_unchecked()).await;
        gone.map(|()| true).map_err(|error| to_graphql_error(&error))
    }
}
