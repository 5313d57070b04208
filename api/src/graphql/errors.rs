//! Errors as GraphQL returns them: message, position in the document, path in the answer, and facts for programs.

use async_graphql_parser::Pos;
use serde_json::{Map, Value as Json, json};
use tenants::{
    Caller,
    error::{Code, Error, Kind},
};

/// A step on the path from the root of the answer to a value.
#[derive(Clone, Debug, PartialEq)]
pub enum PathSegment {
    /// A response key.
    Key(std::sync::Arc<str>),
    /// An index in a list.
    Index(usize),
}

/// An entry of `errors`.
#[derive(Clone, Debug)]
pub struct GraphqlError {
    /// What is wrong and what to do.
    pub message: String,
    /// Position in the document.
    pub locations: Vec<Pos>,
    /// Path in the answer; empty for errors of the request.
    pub path: Vec<PathSegment>,
    /// `code` and facts for programs.
    pub extensions: Map<String, Json>,
}

impl GraphqlError {
    /// An error of the request as a whole.
    pub fn of_request(code: Code, message: impl Into<String>, locations: Vec<Pos>) -> Self {
        let extensions = Map::from_iter([("code".to_owned(), code.name().into())]);
        Self { message: message.into(), locations, path: Vec::new(), extensions }
    }

    /// An error of a service, in a language; `request` is the id for the log.
    pub fn of_service(error: &Error, language: &str, request: &str) -> Self {
        let body = crate::http::error_body(error, language, request);
        let extensions = body.get("extensions").and_then(Json::as_object).cloned().unwrap_or_default();
        Self { message: error.message().to_owned(), locations: Vec::new(), path: Vec::new(), extensions }
    }

    /// Whether it is an internal error, or a database does not answer.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind(), Some(Kind::Internal | Kind::Unavailable))
    }

    /// Whether the request could succeed with a newer catalog.
    pub fn may_be_stale(&self) -> bool {
        matches!(self.kind(), Some(Kind::Invalid | Kind::NotFound))
    }

    fn kind(&self) -> Option<Kind> {
        let code = self.extensions.get("code").and_then(Json::as_str);
        Code::ALL.iter().find(|known| Some(known.name()) == code).map(|code| code.kind())
    }

    /// As JSON, according to the specification.
    pub fn to_json(&self) -> Json {
        let mut error = Map::new();
        error.insert("message".to_owned(), self.message.as_str().into());
        if !self.locations.is_empty() {
            let locations = self.locations.iter().map(|pos| json!({ "line": pos.line, "column": pos.column }));
            error.insert("locations".to_owned(), locations.collect());
        }
        if !self.path.is_empty() {
            let path = self.path.iter().map(|step| match step {
                PathSegment::Key(key) => Json::from(&**key),
                PathSegment::Index(index) => Json::from(*index),
            });
            error.insert("path".to_owned(), path.collect());
        }
        error.insert("extensions".to_owned(), Json::Object(self.extensions.clone()));
        Json::Object(error)
    }
}

/// A request that does not run.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// HTTP status for clients that expect more than 200.
    pub status: u16,
    /// Whether it was not a GraphQL request at all: then the status is used in any case.
    pub malformed: bool,
    /// The errors.
    pub errors: Vec<GraphqlError>,
}

impl Refusal {
    /// A document that cannot be parsed.
    pub fn parse(error: &async_graphql_parser::Error) -> Self {
        let locations = error.positions().collect();
        Self::request(GraphqlError::of_request(Code::GraphqlParseFailed, error.to_string(), locations))
    }

    /// A document that is not valid for the schema.
    pub fn invalid(message: impl Into<String>, pos: Pos) -> Self {
        Self::request(GraphqlError::of_request(Code::GraphqlValidationFailed, message, vec![pos]))
    }

    /// A document that exceeds a limit.
    pub fn too_complex(what: &'static str, is: u64, most: u64) -> Self {
        let message =
            format!("The document has too many {what}: at most {most} are allowed. Send several smaller ones.");
        let mut error = GraphqlError::of_request(Code::TooComplex, message, Vec::new());
        error.extensions.insert("limit".to_owned(), most.into());
        if is < u64::MAX {
            error.extensions.insert("found".to_owned(), is.into());
        }
        Self::request(error)
    }

    /// A document that is too expensive.
    pub fn too_expensive(cost: u64, most: u64) -> Self {
        let message =
            format!("The query costs {cost} points, but at most {most} are allowed. Ask for less, or for pages.");
        let mut error = GraphqlError::of_request(Code::CostExceeded, message, Vec::new());
        error.extensions.insert("cost".to_owned(), cost.into());
        error.extensions.insert("limit".to_owned(), most.into());
        Self::request(error)
    }

    /// An invalid request.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::request(GraphqlError::of_request(Code::BadRequest, message, Vec::new()))
    }

    /// A request that a service refuses as a whole, with the status of its error code.
    pub fn service(error: &Error, caller: &Caller) -> Self {
        let status = match error.code().kind() {
            Kind::Invalid => 400,
            kind => kind.status(),
        };
        Self {
            status,
            malformed: false,
            errors: vec![GraphqlError::of_service(error, &caller.locale, &caller.request)],
        }
    }

    /// Refused with these errors.
    pub fn because(errors: Vec<GraphqlError>) -> Self {
        Self { status: 400, malformed: false, errors }
    }

    /// Refused with a status of its own.
    pub fn with_status(status: u16, code: Code, message: impl Into<String>) -> Self {
        Self { status, ..Self::request(GraphqlError::of_request(code, message, Vec::new())) }
    }

    /// A body that is not JSON.
    pub fn not_json(message: impl Into<String>) -> Self {
        Self { malformed: true, ..Self::bad_request(message) }
    }

    /// A request with the wrong method.
    pub fn method(message: &str) -> Self {
        Self { status: 405, ..Self::bad_request(message) }
    }

    /// Whether the request could succeed with a newer catalog.
    pub fn may_be_stale(&self) -> bool {
        let name = Code::GraphqlValidationFailed.name();
        self.errors.iter().any(|error| error.extensions.get("code").is_some_and(|code| code == name))
    }

    fn request(error: GraphqlError) -> Self {
        Self { status: 400, malformed: false, errors: vec![error] }
    }
}

/// Logs the internal details of an error once, with the id of its request.
pub fn log(error: &Error, request: &str) {
    match error.code().kind() {
        Kind::Internal => tracing::error!(request, "{}", error.log_line()),
        Kind::Unavailable => tracing::warn!(request, "{}", error.log_line()),
        _ => tracing::debug!(request, "{}", error.log_line()),
    }
}
