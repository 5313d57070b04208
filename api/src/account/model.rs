//! Input and output types of the account endpoint.

use ::tenants::{
    identity::{self, Membership, NewAccount, SignedIn},
    registry::NewOrganisation,
};
use async_graphql::{ID, InputObject, SimpleObject};
use entities::{
    control::{tenants, users},
    ids::SessionId,
};

use super::own::Notice;
use crate::graphql::instant;

/// A new person and their organisation.
#[derive(InputObject)]
pub struct SignUpInput {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    /// 10 to 128 characters.
    pub password: String,
    pub organisation: OrganisationInput,
}

/// A new organisation.
#[derive(InputObject)]
pub struct OrganisationInput {
    /// Name in URLs: 2 to 40 of `a-z 0-9 -`, beginning with a letter.
    pub slug: String,
    pub name: String,
    /// ISO 3166 alpha-2, such as `DZ`.
    pub country: String,
    /// IANA name, such as `Africa/Algiers`.
    pub time_zone: String,
    /// ISO 4217, such as `DZD`.
    pub currency: String,
    /// `en`, `fr` or `es`.
    pub language: String,
}

impl SignUpInput {
    /// The person and the organisation.
    pub fn split(self) -> (NewAccount, NewOrganisation) {
        let Self { first_name, last_name, email, password, organisation } = self;
        (NewAccount { first_name, last_name, email, password }, organisation.into())
    }
}

impl From<OrganisationInput> for NewOrganisation {
    fn from(input: OrganisationInput) -> Self {
        let OrganisationInput { slug, name, country, time_zone, currency, language } = input;
        Self { slug, name, country, currency, time_zone, language }
    }
}

/// The request was accepted; only the owner of the address learns whether an email was sent.
#[derive(SimpleObject)]
pub struct EmailRequest {
    pub email: String,
}

/// Tokens, and the organisation they are for.
#[derive(SimpleObject)]
pub struct Session {
    /// For `Authorization: Bearer`, valid for 15 minutes. It is for `organisation`; without one it only opens this
    /// endpoint.
    pub access_token: String,
    /// Works once, for new tokens. Null if the request asked for its session in a cookie.
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// The organisation that the access token is for.
    pub organisation: Option<Organisation>,
    pub user: User,
    /// All organisations of the person.
    pub memberships: Vec<MembershipView>,
}

impl From<SignedIn> for Session {
    fn from(signed: SignedIn) -> Self {
        Self {
            access_token: signed.access_token,
            refresh_token: Some(signed.refresh_token),
            expires_in: signed.expires_in,
            organisation: signed.organisation.map(Organisation::from),
            user: signed.user.into(),
            memberships: signed.memberships.into_iter().map(MembershipView::from).collect(),
        }
    }
}

/// A person.
#[derive(SimpleObject)]
pub struct User {
    pub id: ID,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    /// `en`, `fr` or `es`.
    pub language: String,
    /// IANA name.
    pub time_zone: String,
    /// Emails that are turned off.
    pub muted: Vec<Notice>,
}

impl From<users::Model> for User {
    fn from(user: users::Model) -> Self {
        Self {
            muted: identity::Notice::muted_by(&user).into_iter().map(Notice::from).collect(),
            id: ID(user.id.to_string()),
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            language: user.language,
            time_zone: user.time_zone,
        }
    }
}

/// A session of the person.
#[derive(SimpleObject)]
pub struct OpenSession {
    pub id: ID,
    /// `Firefox on Linux`: a short form of what the client says about itself.
    pub device: String,
    /// The network address from which it was last used.
    pub address: String,
    pub created_at: String,
    /// When tokens were last issued.
    pub used_at: String,
    /// When it expires without use.
    pub expires_at: String,
    /// Whether it lasts for 30 days without use instead of 12 hours.
    pub remembered: bool,
    /// Whether it is the session of this request.
    pub current: bool,
}

impl OpenSession {
    /// A session, and whether it is the current one.
    pub fn of(session: identity::OpenSession, asking: SessionId) -> Self {
        Self {
            id: ID(session.id.to_string()),
            device: session.device,
            address: session.address,
            created_at: instant(session.created_at),
            used_at: instant(session.used_at),
            expires_at: instant(session.expires_at),
            remembered: session.remembered,
            current: session.id == asking,
        }
    }
}

/// An organisation.
#[derive(SimpleObject)]
pub struct Organisation {
    pub id: ID,
    pub slug: String,
    pub name: String,
    pub country: String,
    pub currency: String,
    pub time_zone: String,
    pub language: String,
}

impl From<tenants::Model> for Organisation {
    fn from(row: tenants::Model) -> Self {
        Self {
            id: ID(row.id.to_string()),
            slug: row.slug,
            name: row.name,
            country: row.country,
            currency: row.currency,
            time_zone: row.time_zone,
            language: row.language,
        }
    }
}

/// A person's membership in an organisation.
#[derive(SimpleObject)]
#[graphql(name = "Membership")]
pub struct MembershipView {
    pub organisation: Organisation,
    /// The id of the person as a member.
    pub member_id: ID,
    /// Name of the role there.
    pub role: String,
}

impl From<Membership> for MembershipView {
    fn from(membership: Membership) -> Self {
        Self {
            organisation: membership.organisation.into(),
            member_id: ID(membership.member.to_string()),
            role: membership.role,
        }
    }
}

/// The signed-in person.
#[derive(SimpleObject)]
pub struct Me {
    pub user: User,
    pub memberships: Vec<MembershipView>,
}
