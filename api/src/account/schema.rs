//! The operations of the account endpoint: each decodes, calls one service, encodes.

use std::sync::Arc;

use async_graphql::{Context, EmptySubscription, ErrorExtensions, Object, Schema, Value};
use serde_json::Value as Json;
use tenants::{
    Code, Error, Kind,
    identity::{Identity, Visit},
};

use super::{
    AccountSchema, Bearer,
    model::{Me, Session, SignUpInput},
};
use crate::http::error_body;

/// Builds the schema over the people of an installation.
pub fn build(identity: Arc<Identity>) -> AccountSchema {
    Schema::build(Query, Mutation, EmptySubscription)
        .data(identity)
        .limit_depth(8)
        .limit_complexity(200)
        .limit_directives(4)
        .disable_suggestions()
        .finish()
}

/// What can be read.
pub struct Query;

#[Object]
impl Query {
    /// The person whose access token comes with the request.
    async fn me(&self, ctx: &Context<'_>) -> async_graphql::Result<Me> {
        let bearer = ctx.data_unchecked::<Bearer>().0.clone();
        let identity = ctx.data_unchecked::<Arc<Identity>>();
        let token = bearer.ok_or_else(|| told(&Error::of(Code::Unauthenticated)))?;
        let user = identity.user(&token).await.map_err(|error| told(&error))?;
        let memberships = identity.memberships(user.id).await.map_err(|error| told(&error))?;
        Ok(Me { user: user.into(), memberships: memberships.into_iter().map(Into::into).collect() })
    }
}

/// What can be done.
pub struct Mutation;

#[Object]
impl Mutation {
    /// A new person with a new organisation, signed in.
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> async_graphql::Result<Session> {
        let (account, organisation) = input.split();
        let signed =
            ctx.data_unchecked::<Arc<Identity>>().sign_up(account, organisation, ctx.data_unchecked::<Visit>()).await;
        signed.map(Session::from).map_err(|error| told(&error))
    }

    /// Tokens for an email address and its password. With several organisations, say which by its slug.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        email: String,
        password: String,
        organisation: Option<String>,
    ) -> async_graphql::Result<Session> {
        let identity = ctx.data_unchecked::<Arc<Identity>>();
        let signed = identity.sign_in(&email, &password, organisation.as_deref(), ctx.data_unchecked()).await;
        signed.map(Session::from).map_err(|error| told(&error))
    }

    /// New tokens for a refresh token, for the same or another organisation.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        refresh_token: String,
        organisation: Option<String>,
    ) -> async_graphql::Result<Session> {
        let identity = ctx.data_unchecked::<Arc<Identity>>();
        let signed = identity.refresh(&refresh_token, organisation.as_deref(), ctx.data_unchecked()).await;
        signed.map(Session::from).map_err(|error| told(&error))
    }
}

/// An error as this endpoint tells it.
fn told(error: &Error) -> async_graphql::Error {
    if error.code().kind() == Kind::Internal {
        tracing::error!(error = error.log_line(), "internal error");
    }
    let body = error_body(error, "en", "");
    async_graphql::Error::new(error.message()).extend_with(|_, extensions| {
        if let Some(Json::Object(facts)) = body.get("extensions") {
            for (key, value) in facts {
                extensions.set(key.as_str(), Value::from_json(value.clone()).unwrap_or_default());
            }
        }
    })
}
