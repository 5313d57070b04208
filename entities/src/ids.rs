//! Typed ids: a tenant's id cannot be passed where a record's id is expected. All are UUIDs of version 7, so they sort
//! by creation.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, greater than every id created before it on this machine.
            #[expect(clippy::new_without_default, reason = "an id that appears by default would be a bug")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )*};
}

id! {
    /// An organisation and its space.
    TenantId,
    /// A person who signs in, across organisations.
    UserId,
    /// A person's membership in one organisation.
    MemberId,
    /// A role of one organisation.
    RoleId,
    /// A team of one organisation.
    TeamId,
    /// An API key of one organisation.
    ApiKeyId,
    /// A plugin of one organisation.
    PluginId,
    /// A signed-in session (a family of refresh tokens).
    SessionId,
    /// A sign-up that is not confirmed yet.
    SignUpId,
    /// A link to set a new password.
    RecoveryId,
    /// An invitation to one organisation.
    InvitationId,
    /// A sign-in that waits for a second factor.
    ChallengeId,
    /// A code that replaces a second factor.
    RecoveryCodeId,
    /// A device that is not asked for a second factor.
    TrustedDeviceId,
    /// A job of the installation itself.
    SystemJobId,
    /// An object of a tenant's catalog.
    ObjectId,
    /// A field of a tenant's catalog.
    FieldId,
    /// A section that groups fields of an object.
    SectionId,
    /// Fields of an object that are unique together.
    ConstraintId,
    /// A record of any object.
    RecordId,
    /// One committed write.
    CommitId,
    /// A run: a series of writes that can be continued and undone.
    RunId,
    /// An entry of a security log.
    EventId,
    /// A work item in a tenant's queue.
    WorkId,
}
