//! The second factor of an account.

use async_graphql::{Context, ID, Object, SimpleObject};
use qrcode::{QrCode, render::svg};
use tenants::{
    Code, Error,
    identity::{self, Enrolment},
};

use super::{
    model::Session,
    schema::{identity, opened, person, to_graphql_error},
};
use crate::graphql::instant;

/// The mutations of this file.
#[derive(Default)]
pub struct Factors;

/// The queries of this file.
#[derive(Default)]
pub struct FactorsQuery;

/// The state of the second factor.
#[derive(SimpleObject)]
pub struct SecondFactor {
    /// Whether codes are asked for at sign-in.
    pub enabled: bool,
    /// When it was turned on.
    pub since: Option<String>,
    /// Unused recovery codes.
    pub recovery_codes_left: u64,
    /// Devices that are not asked for a code, last used first.
    pub trusted_devices: Vec<TrustedDevice>,
}

/// A device that is not asked for a code.
#[derive(SimpleObject)]
pub struct TrustedDevice {
    pub id: ID,
    /// `Firefox on Linux`: a short form of what the client says about itself.
    pub device: String,
    /// The network address from which it was trusted.
    pub address: String,
    pub created_at: String,
    pub used_at: String,
    pub expires_at: String,
}

/// A secret for an authenticator app; it is shown once.
#[derive(SimpleObject)]
pub struct NewSecondFactor {
    /// To type, in base 32.
    pub secret: String,
    /// `otpauth://…`, to open on the same device.
    pub uri: String,
    /// The same as a QR code: an SVG document.
    pub qr: String,
}

impl NewSecondFactor {
    fn of(enrolment: Enrolment) -> Result<Self, Error> {
        let code = QrCode::new(&enrolment.uri).map_err(Error::internal)?;
        let qr = code.render::<svg::Color>().min_dimensions(200, 200).build();
        Ok(Self { secret: enrolment.secret, uri: enrolment.uri, qr })
    }
}

#[Object]
impl FactorsQuery {
    /// The state of the person's second factor.
    async fn second_factor(&self, ctx: &Context<'_>) -> async_graphql::Result<SecondFactor> {
        let (user, _) = person(ctx).await?;
        let standing = identity(ctx).second_factor(user.id).await.map_err(|error| to_graphql_error(&error))?;
        let device = |device: identity::TrustedDevice| TrustedDevice {
            id: ID(device.id.to_string()),
            device: device.device,
            address: device.address,
            created_at: instant(device.created_at),
            used_at: instant(device.used_at),
            expires_at: instant(device.expires_at),
        };
        Ok(SecondFactor {
            enabled: standing.since.is_some(),
            since: standing.since.map(instant),
            recovery_codes_left: standing.recovery_codes,
            trusted_devices: standing.trusted.into_iter().map(device).collect(),
        })
    }
}

#[Object]
impl Factors {
    /// The second step of signing in, after `signIn` returned `SECOND_FACTOR_NEEDED`: its `challenge`, and a code of
    /// the authenticator app or a recovery code. With `trustDevice`, this device is not asked for a code for 30 days.
    async fn finish_sign_in(
        &self,
        ctx: &Context<'_>,
        challenge: String,
        code: String,
        #[graphql(default)] trust_device: bool,
    ) -> async_graphql::Result<Session> {
        let signed = identity(ctx).finish_sign_in(&challenge, &code, trust_device, ctx.data_unchecked()).await;
        opened(ctx, signed)
    }

    /// Starts to set up a second factor: returns a secret for an authenticator app. `confirmSecondFactor` turns it on.
    async fn enrol_second_factor(&self, ctx: &Context<'_>, password: String) -> async_graphql::Result<NewSecondFactor> {
        let (user, _) = person(ctx).await?;
        let enrolment = identity(ctx).enrol(&user, &password, ctx.data_unchecked()).await;
        enrolment.and_then(NewSecondFactor::of).map_err(|error| to_graphql_error(&error))
    }

    /// Turns the second factor on by its first code. Returns ten recovery codes, each of which can replace a code once;
    /// they are shown once.
    async fn confirm_second_factor(&self, ctx: &Context<'_>, code: String) -> async_graphql::Result<Vec<String>> {
        let (user, session) = person(ctx).await?;
        let codes = identity(ctx).confirm_factor(&user, session, &code, ctx.data_unchecked()).await;
        codes.map_err(|error| to_graphql_error(&error))
    }

    /// Replaces the recovery codes by ten new ones.
    async fn regenerate_recovery_codes(
        &self,
        ctx: &Context<'_>,
        password: String,
        code: String,
    ) -> async_graphql::Result<Vec<String>> {
        let (user, _) = person(ctx).await?;
        let codes = identity(ctx).regenerate_codes(&user, &password, &code, ctx.data_unchecked()).await;
        codes.map_err(|error| to_graphql_error(&error))
    }

    /// Turns the second factor off, with password and code.
    async fn disable_second_factor(
        &self,
        ctx: &Context<'_>,
        password: String,
        code: String,
    ) -> async_graphql::Result<bool> {
        let (user, _) = person(ctx).await?;
        let off = identity(ctx).disable_factor(&user, &password, &code, ctx.data_unchecked()).await;
        off.map(|()| true).map_err(|error| to_graphql_error(&error))
    }

    /// Stops trusting a device: it is asked for a code again.
    async fn forget_device(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<bool> {
        let (user, _) = person(ctx).await?;
        let nobody = || to_graphql_error(&Error::new(Code::NotFound, "There is no such device."));
        let id = id.parse().map_err(|_| nobody())?;
        let forgotten = identity(ctx).forget_device(user.id, id).await;
        forgotten.map(|()| true).map_err(|error| to_graphql_error(&error))
    }
}
