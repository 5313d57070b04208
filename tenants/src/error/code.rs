//! Every error code, one line each. `docs/errors.md` is generated from this table.

/// What an error means for transports and retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong: 422, or 400 before it ran.
    Invalid,
    /// No or bad credentials: 401.
    Unauthenticated,
    /// Not allowed: 403.
    Forbidden,
    /// Not there, or not yours: 404.
    NotFound,
    /// Clashes with existing data: 409.
    Conflict,
    /// Too many requests or too much work: 429.
    Limited,
    /// Too large: 413.
    TooLarge,
    /// An unsupported media type: 415.
    WrongMedia,
    /// Try again later: 503.
    Unavailable,
    /// Our fault: 500.
    Internal,
}

impl Kind {
    /// HTTP status of REST answers and of requests refused before they ran.
    pub fn status(self) -> u16 {
        match self {
            Kind::Invalid => 422,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::Conflict => 409,
            Kind::Limited => 429,
            Kind::TooLarge => 413,
            Kind::WrongMedia => 415,
            Kind::Unavailable => 503,
            Kind::Internal => 500,
        }
    }

    /// Exit code of the command line (after sysexits.h).
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Invalid | Kind::TooLarge | Kind::WrongMedia => 65,
            Kind::NotFound => 66,
            Kind::Conflict => 73,
            Kind::Unauthenticated | Kind::Forbidden => 77,
            Kind::Limited | Kind::Unavailable => 75,
            Kind::Internal => 70,
        }
    }

    /// Whether the same request may succeed later.
    pub fn retryable(self) -> bool {
        matches!(self, Kind::Limited | Kind::Unavailable)
    }
}

macro_rules! codes {
    ($($variant:ident, $name:literal, $kind:ident, $message:literal;)*) => {
        /// A stable name for programs; part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $message] $variant,)* }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// Name in the API.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// What the code means for transports and retries.
            pub fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)* }
            }

            /// The public message, unless the place that raises the error has a better one.
            pub fn message(self) -> &'static str {
                match self { $(Code::$variant => $message,)* }
            }
        }
    };
}

codes! {
    ValidationFailed, "VALIDATION_FAILED", Invalid, "Some values are not accepted; `fields` says which and why.";
    BadRequest, "BAD_REQUEST", Invalid, "The request is not valid.";
    BadFilter, "BAD_FILTER", Invalid, "The filter is not valid.";
    BadCursor, "BAD_CURSOR", Invalid, "The cursor belongs to another list; start again without it.";
    FeedExpired, "FEED_EXPIRED", Conflict, "Changes that old are no longer kept: read the records again, then follow from the last commit on.";
    EmptyFilter, "EMPTY_FILTER", Invalid, "The filter is empty; add a condition, or `all: true` to mean every record.";
    NameTaken, "NAME_TAKEN", Conflict, "The name is already in use.";
    NameReserved, "NAME_RESERVED", Invalid, "The name is reserved.";
    QuotaExceeded, "QUOTA_EXCEEDED", Limited, "The organisation's quota is used up.";
    OptionInUse, "OPTION_IN_USE", Conflict, "Records hold this option; change them first or retire the option.";
    WouldLoseValues, "WOULD_LOSE_VALUES", Conflict, "The change would lose values of some records; change them first, or allow the loss.";
    NumberOverflow, "NUMBER_OVERFLOW", Invalid, "The total is larger than the number can hold; narrow the filter.";
    BadFile, "BAD_FILE", Invalid, "The file cannot be read.";
    Unauthenticated, "UNAUTHENTICATED", Unauthenticated, "Sign in first: the credentials are missing, wrong or expired.";
    BadCredentials, "BAD_CREDENTIALS", Unauthenticated, "The email address or the password is wrong.";
    LinkExpired, "LINK_EXPIRED", NotFound, "The link has expired or was used; ask for a new one.";
    SecondFactorNeeded, "SECOND_FACTOR_NEEDED", Unauthenticated, "The password is right; send a code of your second factor with the `challenge` to `finishSignIn`.";
    BadCode, "BAD_CODE", Unauthenticated, "The code is wrong, too old, or was used already; take the next one.";
    SecondFactorRequired, "SECOND_FACTOR_REQUIRED", Forbidden, "The organisation requires a second factor; turn it on in your account, or sign in with it.";
    Forbidden, "FORBIDDEN", Forbidden, "Your role does not allow this.";
    NotFound, "NOT_FOUND", NotFound, "There is no such record.";
    Conflict, "CONFLICT", Conflict, "The record was changed, or conflicts with another one; read it again.";
    Ambiguous, "AMBIGUOUS", Conflict, "Several records match; say which one is meant.";
    RateLimited, "RATE_LIMITED", Limited, "Too many requests; wait and try again.";
    CostExceeded, "COST_EXCEEDED", Invalid, "The query asks for too much at once; ask for less, or for pages.";
    TooComplex, "TOO_COMPLEX", Invalid, "The document is too large or too deep.";
    PayloadTooLarge, "PAYLOAD_TOO_LARGE", TooLarge, "The request is too large.";
    UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", WrongMedia, "Send the body as application/json.";
    GraphqlParseFailed, "GRAPHQL_PARSE_FAILED", Invalid, "The GraphQL document cannot be parsed.";
    GraphqlValidationFailed, "GRAPHQL_VALIDATION_FAILED", Invalid, "The GraphQL document is not valid for the schema.";
    IdempotencyMismatch, "IDEMPOTENCY_MISMATCH", Conflict, "The idempotency key was already used for a different request.";
    TenantSuspended, "TENANT_SUSPENDED", Forbidden, "The organisation is suspended.";
    TenantMigrating, "TENANT_MIGRATING", Unavailable, "The organisation is being upgraded; try again shortly.";
    Unavailable, "UNAVAILABLE", Unavailable, "The database cannot be reached; try again shortly.";
    Busy, "BUSY", Unavailable, "Others are changing the same data at the moment; try again shortly.";
    StorageFull, "STORAGE_FULL", Unavailable, "The disk is full; nothing was written.";
    StaleCatalog, "STALE_CATALOG", Unavailable, "The organisation's fields were changed during the request; send it again.";
    JobTimedOut, "JOB_TIMED_OUT", Unavailable, "A step of the job took too long and was stopped.";
    RulesTooDeep, "RULES_TOO_DEEP", Conflict, "The rules of this object cause too long a chain of writes; nothing was written.";
    Cancelled, "CANCELLED", Conflict, "The run was cancelled.";
    Internal, "INTERNAL", Internal, "Something went wrong on our side; the request id names it in the log.";
}
