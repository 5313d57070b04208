//! Errors as GraphQL answers them: message, place in the document, path in the answer, and what programs need.

use async_graphql_parser::Pos;
use serde_json::{Map, Value as Json, json};
use tenants::{
    Caller,
    error::{Code, Error, Kind},
};

/// A step from the root of the answer to a value.
#[derive(Clone, Debug, PartialEq)]
pub enum PathSegment {
    /// A response key.
    Key(std::sync::Arc<str>),
    /// A place in a list.
    Index(usize),
}

/// One entry of `errors`.
#[derive(Clone, Debug)]
pub struct GraphqlError {
    /// What is wrong and what to do.
    pub message: String,
    /// Where in the document.
    pub locations: Vec<Pos>,
    /// Where in the answer; empty for errors of the request.
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

    /// An error of a service, told in a language; `request` names the request to the log.
    pub fn of_service(error: &Error, language: &str, request: &str) -> Self {
        let body = crate::http::error_body(error, language, request);
        let extensions = body.get("extensions").and_then(Json::as_object).cloned().unwrap_or_default();
        Self { message: error.message().to_owned(), locations: Vec::new(), path: Vec::new(), extensions }
    }

    /// Whether it is a fault of ours, or of a database that is away.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind(), Some(Kind::Internal | Kind::Unavailable))
    }

    /// Whether a newer catalog could let it pass.
    pub fn may_be_stale(&self) -> bool {
        matches!(self.kind(), Some(Kind::Invalid | Kind::NotFound))
    }

    fn kind(&self) -> Option<Kind> {
        let code = self.extensions.get("code").and_then(Json::as_str);
        Code::ALL.iter().find(|known| Some(known.name()) == code).map(|code| code.kind())
    }

    /// As JSON, by the specification.
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
    /// HTTP status for clients that understand more than 200.
    pub status: u16,
    /// Whether it was no GraphQL request at all, so that its status tells in any case.
    pub malformed: bool,
    /// Why.
    pub errors: Vec<GraphqlError>,
}

impl Refusal {
    /// A document that cannot be parsed.
    pub fn parse(error: &async_graphql_parser::Error) -> Self {
        let locations = error.positions().collect();
        Self::request(GraphqlError::of_request(Code::GraphqlParseFailed, error.to_string(), locations))
    }

    /// A document that does not fit the schema.
    pub fn invalid(message: impl Into<String>, pos: Pos) -> Self {
        Self::request(GraphqlError::of_request(Code::GraphqlValidationFailed, message, vec![pos]))
    }

    /// A document beyond a limit.
    pub fn too_complex(what: &'static str, is: u64, most: u64) -> Self {
        let message = format!("The document has too many {what}: at most {most} are taken; send several smaller ones.");
        let mut error = GraphqlError::of_request(Code::TooComplex, message, Vec::new());
        error.extensions.insert("limit".to_owned(), most.into());
        if is < u64::MAX {
            error.extensions.insert("found".to_owned(), is.into());
        }
        Self::request(error)
    }

    /// A document that asks for too much at once.
    pub fn too_expensive(cost: u64, most: u64) -> Self {
        let message = format!("The query costs {cost} points, but {most} are the most; ask for less, or for pages.");
        let mut error = GraphqlError::of_request(Code::CostExceeded, message, Vec::new());
        error.extensions.insert("cost".to_owned(), cost.into());
        error.extensions.insert("limit".to_owned(), most.into());
        Self::request(error)
    }

    /// A request that is not understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::request(GraphqlError::of_request(Code::BadRequest, message, Vec::new()))
    }

    /// A request that a service refuses as a whole, with the status of its code.
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

    /// Refused for these reasons.
    pub fn because(errors: Vec<GraphqlError>) -> Self {
        Self { status: 400, malformed: false, errors }
    }

    /// Refused for a reason that has a status of its own.
    pub fn with_status(status: u16, code: Code, message: impl Into<String>) -> Self {
        Self { status, ..Self::request(GraphqlError::of_request(code, message, Vec::new())) }
    }

    /// A body that is not JSON.
    pub fn not_json(message: impl Into<String>) -> Self {
        Self { malformed: true, ..Self::bad_request(message) }
    }

    /// A request whose method does not go with what it asks.
    pub fn method(message: &str) -> Self {
        Self { status: 405, ..Self::bad_request(message) }
    }

    /// Whether a newer catalog could let it pass.
    pub fn may_be_stale(&self) -> bool {
        let name = Code::GraphqlValidationFailed.name();
        self.errors.iter().any(|error| error.extensions.get("code").is_some_and(|code| code == name))
    }

    fn request(error: GraphqlError) -> Self {
        Self { status: 400, malformed: false, errors: vec![error] }
    }
}

/// Writes what only the log may know, once, with the request it happened in.
pub fn log(error: &Error, request: &str) {
    match error.code().kind() {
        Kind::Internal => tracing::error!(request, "{}", error.log_line()),
        Kind::Unavailable => tracing::warn!(request, "{}", error.log_line()),
        _ => tracing::debug!(request, "{}", error.log_line()),
    }
}
