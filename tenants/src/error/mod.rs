//! The one error type of all services: a code for programs, a message for people, and internal details for the log
//! alone.
//!
//! Transports turn the code's [`Kind`] into a status; nothing here knows them.

mod code;
mod expected;
mod issue;

use std::{fmt, panic::Location};

pub use code::{Code, Kind};
pub use issue::{FieldIssue, Issue};

/// Result of every service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: what the caller may know and, kept apart, what only the log may contain.
pub struct Error(Box<Inside>);

/// Boxed, so that the results of all services stay small.
struct Inside {
    code: Code,
    message: String,
    fields: Vec<FieldIssue>,
    details: serde_json::Map<String, serde_json::Value>,
    internal: Option<Box<dyn std::error::Error + Send + Sync>>,
    at: &'static Location<'static>,
}

impl Error {
    /// An error with a message for this place: what is wrong, where, and what to do.
    #[track_caller]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inside {
            code,
            message: message.into(),
            fields: Vec::new(),
            details: serde_json::Map::new(),
            internal: None,
            at: Location::caller(),
        }))
    }

    /// An error with the standard message of its code.
    #[track_caller]
    pub fn of(code: Code) -> Self {
        Self::new(code, code.message())
    }

    /// `VALIDATION_FAILED` with what is wrong per field.
    #[track_caller]
    pub fn invalid(fields: Vec<FieldIssue>) -> Self {
        let mut error = Self::of(Code::ValidationFailed);
        error.0.fields = fields;
        error
    }

    /// An internal error; its message goes to the log alone.
    #[track_caller]
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::of(Code::Internal).caused_by(cause)
    }

    /// The same error with its cause for the log.
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.internal = Some(cause.into());
        self
    }

    /// Adds a fact for programs (`extensions.<key>`).
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    /// The same refusal once more, for another place that it concerns; without its cause.
    #[must_use]
    pub fn again(&self) -> Self {
        let Inside { code, message, fields, details, at, .. } = &*self.0;
        let (message, fields, details) = (message.clone(), fields.clone(), details.clone());
        Self(Box::new(Inside { code: *code, message, fields, details, internal: None, at }))
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The public message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong per field.
    pub fn fields(&self) -> &[FieldIssue] {
        &self.0.fields
    }

    /// Facts for programs.
    pub fn details(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.0.details
    }

    /// Everything, for the log only.
    pub fn log_line(&self) -> String {
        let mut line = format!("{} at {}: {}", self.0.code.name(), self.0.at, self.0.message);
        let mut cause = self.0.internal.as_deref().map(|e| e as &dyn std::error::Error);
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
        Self::of(code).caused_by(error)
    }
}
