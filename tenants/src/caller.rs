//! Who makes a request, for which tenant, and from where. Every service starts from it.

use std::sync::Arc;

use entities::ids::{ApiKeyId, MemberId, PluginId, RecordId, RunId, TenantId};
use uuid::Uuid;

use crate::{
    access::{Access, Permission},
    clock::Clock,
    error::{Code, Error, Result},
    identity::ClientInfo,
};

/// One request, command or job on behalf of one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant.
    pub tenant: TenantId,
    /// Who acts.
    pub actor: Actor,
    /// The endpoint it came through.
    pub origin: Origin,
    /// What the actor's role allows.
    pub access: Arc<Access>,
    /// Language of messages (`en`, `fr`, `es`).
    pub locale: String,
    /// The current time.
    pub clock: Clock,
    /// Identifies this request in logs, history and answers.
    pub request: String,
    /// The run that this write belongs to.
    pub run: Option<RunId>,
    /// The address of the client; `None` for background work.
    pub client: Option<Arc<ClientInfo>>,
    /// The budget of the API key, if it has one of its own.
    pub points_per_second: Option<u64>,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A member of the organisation.
    Member(MemberId),
    /// An API key of the organisation.
    ApiKey(ApiKeyId),
    /// A portal customer, by their customer record.
    Customer(RecordId),
    /// A plugin that the organisation installed.
    Plugin(PluginId),
    /// The system itself: migrations, maintenance, the operator's command line.
    System,
}

impl Actor {
    /// Names of all kinds of actor.
    pub const KINDS: [&str; 5] = ["MEMBER", "API_KEY", "CUSTOMER", "PLUGIN", "SYSTEM"];

    /// Name of the kind in history and in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Actor::Member(_) => "MEMBER",
            Actor::ApiKey(_) => "API_KEY",
            Actor::Customer(_) => "CUSTOMER",
            Actor::Plugin(_) => "PLUGIN",
            Actor::System => "SYSTEM",
        }
    }

    /// The stored form: `MEMBER:0190…`, `SYSTEM`.
    pub fn stored(&self) -> String {
        match self.id() {
            Some(id) => format!("{}:{id}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// The id within the kind; `None` for the system.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Actor::Member(id) => Some(id.0),
            Actor::ApiKey(id) => Some(id.0),
            Actor::Customer(id) => Some(id.0),
            Actor::Plugin(id) => Some(id.0),
            Actor::System => None,
        }
    }

    /// The actor with this id. Ids are unique across kinds.
    pub fn of_id(id: Uuid) -> Vec<Self> {
        let customer = Actor::Customer(RecordId(id));
        vec![Actor::Member(MemberId(id)), Actor::ApiKey(ApiKeyId(id)), customer, Actor::Plugin(PluginId(id))]
    }

    /// Parses what [`Actor::stored`] wrote.
    ///
    /// # Errors
    /// `INTERNAL` for any other text, so that nobody is taken for an actor with more rights.
    pub fn from_stored(text: &str) -> Result<Self> {
        let actor = match text.split_once(':') {
            Some(("MEMBER", id)) => id.parse().ok().map(Actor::Member),
            Some(("API_KEY", id)) => id.parse().ok().map(Actor::ApiKey),
            Some(("CUSTOMER", id)) => id.parse().ok().map(Actor::Customer),
            Some(("PLUGIN", id)) => id.parse().ok().map(Actor::Plugin),
            _ => (text == "SYSTEM").then_some(Actor::System),
        };
        actor.ok_or_else(|| Error::internal(format!("`{text}` is not an actor")))
    }
}

/// The endpoint that a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    Graphql,
    Rest,
    Import,
    Job,
    Cli,
}

impl Origin {
    /// Name in history and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Graphql => "GRAPHQL",
            Origin::Rest => "REST",
            Origin::Import => "IMPORT",
            Origin::Job => "JOB",
            Origin::Cli => "CLI",
        }
    }
}

impl Caller {
    /// Refuses the caller if their role lacks a named permission.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub fn demand(&self, permission: Permission) -> Result<()> {
        if self.access.has(permission) { Ok(()) } else { Err(Error::of(Code::Forbidden)) }
    }
}
