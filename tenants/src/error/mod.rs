//! The one error of all services: a code for programs, a message for people, and an inside for the log alone.
//!
//! Transports turn the code's [`Kind`] into a status; nothing here knows them.

mod code;
mod issue;

use std::{fmt, panic::Location};

pub use code::{Code, Kind};
pub use issue::{FieldIssue, Issue};

/// Result of every service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with everything a caller may know and, apart from it, what only the log may.
pub struct Error {
    code: Code,
    message: String,
    fields: Vec<FieldIssue>,
    details: serde_json::Map<String, serde_json::Value>,
    internal: Option<Box<dyn std::error::Error + Send + Sync>>,
    at: &'static Location<'static>,
}

impl Error {
    /// An error with the public message of its place: what is wrong, where, and what to do.
    #[track_caller]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            details: serde_json::Map::new(),
            internal: None,
            at: Location::caller(),
        }
    }

    /// An error that says just what its code says.
    #[track_caller]
    pub fn of(code: Code) -> Self {
        Self::new(code, code.message())
    }

    /// `VALIDATION_FAILED` with what is wrong per field.
    #[track_caller]
    pub fn invalid(fields: Vec<FieldIssue>) -> Self {
        Self { fields, ..Self::of(Code::ValidationFailed) }
    }

    /// A fault of ours: the message stays inside.
    #[track_caller]
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { internal: Some(cause.into()), ..Self::of(Code::Internal) }
    }

    /// The same error with its cause for the log.
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.internal = Some(cause.into());
        self
    }

    /// The same error with a fact for programs (`extensions.<key>`).
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The public message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What is wrong per field.
    pub fn fields(&self) -> &[FieldIssue] {
        &self.fields
    }

    /// Facts for programs.
    pub fn details(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.details
    }

    /// The whole story, for the log only.
    pub fn log_line(&self) -> String {
        let mut line = format!("{} at {}: {}", self.code.name(), self.at, self.message);
        let mut cause = self.internal.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.log_line())
    }
}

impl From<sea_orm::DbErr> for Error {
    #[track_caller]
    fn from(error: sea_orm::DbErr) -> Self {
        let code = super::db::classify(&error);
        Self { internal: Some(Box::new(error)), ..Self::of(code) }
    }
}
