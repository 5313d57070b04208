//! The messages of `graphql-transport-ws`, its close codes, and our limits.

use std::time::Duration;

use actix_ws::{CloseCode, CloseReason};
use serde_json::{Map, Value as Json, json};

use crate::graphql::{Request, errors::GraphqlError};

/// The sub-protocol.
pub const NAME: &str = "graphql-transport-ws";
/// Largest message, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Most operations at a time on one connection.
pub const MAX_OPERATIONS: usize = 20;
/// Longest id of an operation.
const MAX_ID: usize = 128;
/// How long a connection may wait before its `connection_init`.
pub const INIT_WITHIN: Duration = Duration::from_secs(5);
/// How often a silent connection is pinged.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// How long it may stay silent.
pub const SILENT_FOR: Duration = Duration::from_secs(70);
/// When a credential is checked again that could not be checked, at the earliest.
pub const CHECK_AGAIN: Duration = Duration::from_secs(1);
/// When a credential is checked again that nothing was heard of.
pub const CHECK_LATER: Duration = Duration::from_secs(24 * 3600);

/// A client's message.
#[derive(Debug)]
pub enum Message {
    Init(Map<String, Json>),
    Ping(Option<Json>),
    Pong,
    Subscribe { id: String, request: Request },
    Complete { id: String },
}

/// Why we close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    BadMessage,
    Unauthorized,
    Forbidden,
    /// The role or the teams have changed.
    AccessChanged,
    InitTimeout,
    IdInUse,
    InitTwice,
    TooLarge,
    Gone,
}

impl Hangup {
    /// The code in the protocol.
    pub fn reason(self, id: &str) -> CloseReason {
        let (code, text) = match self {
            Hangup::BadMessage => (4400, "Invalid message".to_owned()),
            Hangup::Unauthorized => (4401, "Unauthorized".to_owned()),
            Hangup::Forbidden => (4403, "Forbidden".to_owned()),
            Hangup::AccessChanged => (4403, "Access changed; connect again".to_owned()),
            Hangup::InitTimeout => (4408, "Connection initialisation timeout".to_owned()),
            Hangup::IdInUse => (4409, format!("Subscriber for {id} already exists")),
            Hangup::InitTwice => (4429, "Too many initialisation requests".to_owned()),
            Hangup::TooLarge => (1009, "Message too large".to_owned()),
            Hangup::Gone => (1000, String::new()),
        };
        CloseReason { code: CloseCode::from(code), description: Some(text) }
    }
}

impl Message {
    /// Parses a message.
    pub fn parse(text: &str) -> Option<Self> {
        let Ok(Json::Object(mut fields)) = serde_json::from_str(text) else { return None };
        let payload = fields.remove("payload").filter(|payload| !payload.is_null());
        let object = |payload: Option<Json>| match payload {
            None => Some(Map::new()),
            Some(Json::Object(payload)) => Some(payload),
            Some(_) => None,
        };
        match fields.get("type")?.as_str()? {
            "connection_init" => Some(Message::Init(object(payload)?)),
            "ping" => Some(Message::Ping(payload)),
            "pong" => Some(Message::Pong),
            "complete" => Some(Message::Complete { id: id(&fields)? }),
            "subscribe" => {
                let request = crate::graphql::http::understood(object(payload)?).ok()?;
                Some(Message::Subscribe { id: id(&fields)?, request })
            }
            _ => None,
        }
    }
}

fn id(fields: &Map<String, Json>) -> Option<String> {
    let id = fields.get("id")?.as_str()?;
    (!id.is_empty() && id.len() <= MAX_ID).then(|| id.to_owned())
}

/// `next`, with a payload that is already JSON.
pub fn next(id: &str, payload: &[u8]) -> String {
    let head = format!(r#"{{"id":{},"type":"next","payload":"#, Json::from(id));
    head + &String::from_utf8_lossy(payload) + "}"
}

/// `error`: the operation did not run, or cannot continue.
pub fn error(id: &str, errors: &[GraphqlError]) -> String {
    let errors: Vec<Json> = errors.iter().map(GraphqlError::to_json).collect();
    json!({ "id": id, "type": "error", "payload": errors }).to_string()
}

/// `complete`: nothing more follows.
pub fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

/// `connection_ack`.
pub fn acknowledge() -> String {
    json!({ "type": "connection_ack" }).to_string()
}

/// `pong`, with the payload of the ping.
pub fn pong(payload: Option<Json>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

/// The bearer credential in a `connection_init`.
pub fn credential(payload: &Map<String, Json>) -> Option<String> {
    let given = ["Authorization", "authorization"].iter().find_map(|key| payload.get(*key)?.as_str());
    let bearer = given.map(|given| match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => given.trim(),
    });
    bearer.or_else(|| payload.get("token")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_understood_or_not() {
        assert!(matches!(Message::parse(r#"{"type":"connection_init"}"#), Some(Message::Init(_))));
        assert!(matches!(Message::parse(r#"{"type":"ping","payload":{"a":1}}"#), Some(Message::Ping(Some(_)))));
        assert!(matches!(
            Message::parse(r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#),
            Some(Message::Subscribe { .. })
        ));
        for bad in [
            "",
            "[]",
            r#"{"type":"hello"}"#,
            r#"{"type":"connection_init","payload":1}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(Message::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn credentials_are_found() {
        for (payload, wanted) in [
            (json!({ "Authorization": "Bearer a" }), Some("a")),
            (json!({ "authorization": "bearer  b" }), Some("b")),
            (json!({ "authorization": "c" }), Some("c")),
            (json!({ "token": "d" }), Some("d")),
            (json!({ "authorization": 5 }), None),
        ] {
            let Json::Object(payload) = payload else { unreachable!() };
            assert_eq!(credential(&payload).as_deref(), wanted);
        }
    }
}
