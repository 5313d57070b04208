//! The operations of the account endpoint: decode, one service call, encode.

use std::sync::Arc;

use async_graphql::{Context, EmptySubscription, ErrorExtensions, MergedObject, Object, Schema, Value};
use entities::{control::users, ids::SessionId};
use records::rules::RuleSet;
use serde_json::Value as Json;
use tenants::{
    Code, Error, Kind,
    identity::{ClientInfo, Identity, SignedIn, SignedInUser},
};

use super::{
    AccountSchema, Bearer,
    answer::Carried,
    cookies::{self, Jar},
    factors::{Factors, FactorsQuery},
    model::{EmailRequest, Me, OpenSession, Session, SignUpInput},
    own::Own,
};
use crate::http::error_body;

/// Builds the schema for the people of an installation.
pub fn build(identity: Arc<Identity>, rules: Arc<RuleSet>) -> AccountSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(identity)
        .data(rules)
        .limit_depth(8)
        .limit_complexity(200)
        .limit_directives(4)
        .disable_suggestions()
        .finish()
}

/// What can be read.
#[derive(Default, MergedObject)]
pub struct Query(People, FactorsQuery);

/// The caller and their session.
#[derive(Default)]
pub struct People;

#[Object]
impl People {
    /// The person whose access token comes with the request. Somebody who signed in through an organisation's provider
    /// sees only that organisation, and may use only this, `refresh` and `signOut`.
    async fn me(&self, ctx: &Context<'_>) -> async_graphql::Result<Me> {
        let SignedInUser { user, only, .. } = signed_in_user(ctx).await?;
        let mut memberships = identity(ctx).memberships(user.id).await.map_err(|error| to_graphql_error(&error))?;
        memberships.retain(|place| only.is_none_or(|only| only == place.organisation.id));
        Ok(Me { user: user.into(), memberships: memberships.into_iter().map(Into::into).collect() })
    }

    /// The sessions of the person, last used first.
    async fn sessions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<OpenSession>> {
        let (user, session) = person(ctx).await?;
        let found = identity(ctx).sessions(user.id).await.map_err(|error| to_graphql_error(&error))?;
        Ok(found.into_iter().map(|found| OpenSession::of(found, session)).collect())
    }
}

/// What can be done.
#[derive(Default, MergedObject)]
pub struct Mutation(Entering, Own, Factors);

/// Operations for people who are not signed in.
#[derive(Default)]
pub struct Entering;

#[Object]
impl Entering {
    /// Requests an account with a new organisation. An email is sent to the address; the link in it creates both. The
    /// answer is the same for an address that already has an account; its owner is told by email.
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> async_graphql::Result<EmailRequest> {
        let email = input.email.trim().to_owned();
        let (account, organisation) = input.split();
        let asked = identity(ctx).sign_up(account, organisation, ctx.data_unchecked()).await;
        asked.map(|()| EmailRequest { email }).map_err(|error| to_graphql_error(&error))
    }

    /// Creates the account with the token of the link and the password of the sign-up, and signs in. `slug` is another
    /// name for the organisation, in case the requested one was taken meanwhile.
    async fn confirm_sign_up(
        &self,
        ctx: &Context<'_>,
        token: String,
        password: String,
        slug: Option<String>,
        #[graphql(default)] remember: bool,
    ) -> async_graphql::Result<Session> {
        let signed = identity(ctx).confirm_sign_up(&token, &password, slug, remember, ctx.data_unchecked()).await;
        opened(ctx, signed)
    }

    /// Returns tokens for an email address and its password. With several organisations, choose one by its slug. The
    /// session lasts for 12 hours without use or, if remembered, for 30 days. With a second factor the answer is
    /// `SECOND_FACTOR_NEEDED` with a `challenge` for `finishSignIn`.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        email: String,
        password: String,
        organisation: Option<String>,
        #[graphql(default)] remember: bool,
    ) -> async_graphql::Result<Session> {
        let (slug, client) = (organisation.as_deref(), ctx.data_unchecked());
        let signed = identity(ctx).sign_in(&email, &password, slug, remember, client).await;
        opened(ctx, signed)
    }

    /// Sends a link to reset the password. The answer is the same whether or not somebody has the address.
    async fn ask_recovery(&self, ctx: &Context<'_>, email: String) -> async_graphql::Result<EmailRequest> {
        let asked = identity(ctx).ask_recovery(&email, ctx.data_unchecked()).await;
        asked.map(|()| EmailRequest { email: email.trim().to_owned() }).map_err(|error| to_graphql_error(&error))
    }

    /// Sets a new password (10 to 128 characters) with the token of the link, and ends all sessions.
    async fn recover(&self, ctx: &Context<'_>, token: String, password: String) -> async_graphql::Result<bool> {
        let recovered = identity(ctx).recover(&token, &password, ctx.data_unchecked()).await;
        recovered.map(|()| true).map_err(|error| to_graphql_error(&error))
    }

    /// Exchanges a refresh token for new tokens, for the same or another organisation. Leave the token out if it is in
    /// a cookie.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        refresh_token: Option<String>,
        organisation: Option<String>,
    ) -> async_graphql::Result<Session> {
        let token = refresh_token.or_else(|| ctx.data_unchecked::<Jar>().refresh_token.clone()).unwrap_or_default();
        let signed = identity(ctx).refresh(&token, organisation.as_deref(), ctx.data_unchecked()).await;
        if signed.as_ref().is_err_and(|error| error.code() == Code::Unauthenticated) {
            forget(ctx);
        }
        signed.map(|signed| kept(ctx, signed)).map_err(|error| to_graphql_error(&error))
    }
}

pub(super) fn identity<'a>(ctx: &Context<'a>) -> &'a Identity {
    ctx.data_unchecked::<Arc<Identity>>()
}

/// Completes a sign-in with a password; the device is known from now on.
pub(super) fn opened(ctx: &Context<'_>, signed: Result<SignedIn, Error>) -> async_graphql::Result<Session> {
    let signed = signed.map_err(|error| to_graphql_error(&error))?;
    if !ctx.data_unchecked::<ClientInfo>().is_known_for(&signed.user) {
        know(ctx, &signed.user, signed.device_token.clone())?;
    }
    Ok(kept(ctx, signed))
}

/// Makes the device known, with an existing or a new token.
pub(super) fn know(ctx: &Context<'_>, user: &users::Model, given: Option<String>) -> async_graphql::Result<()> {
    let token = given.map_or_else(|| identity(ctx).device_token(&user.email_key), Ok);
    ctx.append_http_header(
        "set-cookie",
        ctx.data_unchecked::<Jar>().device(token.map_err(|error| to_graphql_error(&error))?),
    );
    Ok(())
}

/// The session for the answer; the refresh token is put into a cookie if that was requested.
fn kept(ctx: &Context<'_>, signed: SignedIn) -> Session {
    let mut session = Session::from(signed);
    if ctx.data_unchecked::<Jar>().holds_session {
        ctx.append_http_header("set-cookie", cookies::session(session.refresh_token.take()));
    }
    session
}

/// Makes the browser delete a session that has ended.
pub(super) fn forget(ctx: &Context<'_>) {
    if ctx.data_unchecked::<Jar>().holds_session {
        ctx.append_http_header("set-cookie", cookies::session(None));
    }
}

/// The person whose access token comes with the request, and their session; not for sessions through a provider.
pub(super) async fn person(ctx: &Context<'_>) -> async_graphql::Result<(users::Model, SessionId)> {
    identity(ctx).person_of(bearer(ctx)?).await.map_err(|error| to_graphql_error(&error))
}

/// The signed-in person, for operations on their own session alone.
pub(super) async fn signed_in_user(ctx: &Context<'_>) -> async_graphql::Result<SignedInUser> {
    identity(ctx).signed_in_user(bearer(ctx)?).await.map_err(|error| to_graphql_error(&error))
}

fn bearer<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a str> {
    let token = ctx.data_unchecked::<Bearer>().0.as_deref();
    token.ok_or_else(|| to_graphql_error(&Error::of(Code::Unauthenticated)))
}

/// An error in the form of this endpoint.
pub(super) fn to_graphql_error(error: &Error) -> async_graphql::Error {
    // language and request are known where the answer is completed
    let body = error_body(error, "en", "");
    let internal = (error.code().kind() == Kind::Internal).then(|| error.log_line());
    let mut out = async_graphql::Error::new(error.message());
    out.source = Some(Arc::new(Carried { fields: error.fields().to_vec(), internal }));
    out.extend_with(|_, extensions| {
        if let Some(Json::Object(facts)) = body.get("extensions") {
            for (key, value) in facts {
                extensions.set(key.as_str(), Value::from_json(value.clone()).unwrap_or_default());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_schema_is_the_one_of_accounts() {
        let sdl = Schema::build(Query::default(), Mutation::default(), EmptySubscription).finish().sdl();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../account.graphql");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &sdl).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            sdl == known,
            "account.graphql is not up to date; run this test with UPDATE_SCHEMA=1 and read the diff"
        );
    }
}
