//! The kinds of events in the security log.

macro_rules! kinds {
    ($($variant:ident, $name:literal;)*) => {
        /// A kind of event; its name is part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $(#[doc = $name] $variant,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$variant,)*];

            /// Name in the API and in the log.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    SignedIn, "SIGNED_IN";
    SignInFailed, "SIGN_IN_FAILED";
    SignInLocked, "SIGN_IN_LOCKED";
    SignedOut, "SIGNED_OUT";
    SessionReplayed, "SESSION_REPLAYED";
    PasswordChanged, "PASSWORD_CHANGED";
    EmailChanged, "EMAIL_CHANGED";
    SecondFactorOn, "SECOND_FACTOR_ON";
    SecondFactorOff, "SECOND_FACTOR_OFF";
    SecondFactorFailed, "SECOND_FACTOR_FAILED";
    RecoveryCodeUsed, "RECOVERY_CODE_USED";
    MemberInvited, "MEMBER_INVITED";
    MemberJoined, "MEMBER_JOINED";
    MemberChanged, "MEMBER_CHANGED";
    RoleChanged, "ROLE_CHANGED";
    KeyCreated, "KEY_CREATED";
    KeyRenewed, "KEY_RENEWED";
    KeyRevoked, "KEY_REVOKED";
    KeyNewAddress, "KEY_NEW_ADDRESS";
    KeyRefused, "KEY_REFUSED";
    Exported, "EXPORTED";
    SettingsChanged, "SETTINGS_CHANGED";
    EncryptionChanged, "ENCRYPTION_CHANGED";
    JobRetried, "JOB_RETRIED";
    JobDiscarded, "JOB_DISCARDED";
}

impl Kind {
    /// Whether strangers can cause it as often as they like: then it is recorded once a minute for each name and
    /// address.
    pub(super) fn is_deduplicated(self) -> bool {
        matches!(
            self,
            Kind::SignInFailed
                | Kind::SignInLocked
                | Kind::SecondFactorFailed
                | Kind::SessionReplayed
                | Kind::KeyRefused
        )
    }
}
