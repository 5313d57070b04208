//! Who asks, for whom, from where: the first thing every service wants to know.

use std::sync::Arc;

use entities::ids::{ApiKeyId, MemberId, PluginId, RecordId, RunId, TenantId};
use uuid::Uuid;

use crate::{
    access::{Access, Permission},
    clock::Clock,
    error::{Code, Error, Result},
    identity::ClientInfo,
};

/// One request, command or job, on behalf of one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For whom.
    pub tenant: TenantId,
    /// By whom.
    pub actor: Actor,
    /// Through which endpoint.
    pub origin: Origin,
    /// What the actor's role allows.
    pub access: Arc<Access>,
    /// Language of messages (`en`, `fr`, `es`).
    pub locale: String,
    /// Now.
    pub clock: Clock,
    /// Names this request in logs, history and answers.
    pub request: String,
    /// The batch this write belongs to.
    pub run: Option<RunId>,
    /// From where the request came; nothing for work of our own.
    pub client: Option<Arc<ClientInfo>>,
    /// A program's own budget, where it was given one.
    pub points_per_second: Option<u64>,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person of the organisation.
    Member(MemberId),
    /// A program of the organisation.
    ApiKey(ApiKeyId),
    /// Somebody whom the organisation serves, by their record among its customers.
    Customer(RecordId),
    /// An extension that the organisation took in.
    Plugin(PluginId),
    /// Ourselves: migrations, maintenance, the operator's command line.
    System,
}

impl Actor {
    /// Names of all kinds.
    pub const KINDS: [&str; 5] = ["MEMBER", "API_KEY", "CUSTOMER", "PLUGIN", "SYSTEM"];

    /// Name of the kind in history and API.
    pub fn kind(&self) -> &'static str {
        match self {
            Actor::Member(_) => "MEMBER",
            Actor::ApiKey(_) => "API_KEY",
            Actor::Customer(_) => "CUSTOMER",
            Actor::Plugin(_) => "PLUGIN",
            Actor::System => "SYSTEM",
        }
    }

    /// As stored: `MEMBER:0190…`, `SYSTEM`.
    pub fn stored(&self) -> String {
        match self.id() {
            Some(id) => format!("{}:{id}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// Who of the kind; nothing for ourselves.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Actor::Member(id) => Some(id.0),
            Actor::ApiKey(id) => Some(id.0),
            Actor::Customer(id) => Some(id.0),
            Actor::Plugin(id) => Some(id.0),
            Actor::System => None,
        }
    }

    /// Whoever may have an id: no two kinds share one.
    pub fn of_id(id: Uuid) -> Vec<Self> {
        let customer = Actor::Customer(RecordId(id));
        vec![Actor::Member(MemberId(id)), Actor::ApiKey(ApiKeyId(id)), customer, Actor::Plugin(PluginId(id))]
    }

    /// From what [`Actor::stored`] wrote.
    ///
    /// # Errors
    /// `INTERNAL` for anything else: nobody is taken for somebody who may do more.
    pub fn from_stored(text: &str) -> Result<Self> {
        let actor = match text.split_once(':') {
            Some(("MEMBER", id)) => id.parse().ok().map(Actor::Member),
            Some(("API_KEY", id)) => id.parse().ok().map(Actor::ApiKey),
            Some(("CUSTOMER", id)) => id.parse().ok().map(Actor::Customer),
            Some(("PLUGIN", id)) => id.parse().ok().map(Actor::Plugin),
            _ => (text == "SYSTEM").then_some(Actor::System),
        };
        actor.ok_or_else(|| Error::internal(format!("`{text}` is no actor")))
    }
}

/// The endpoint through which a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    Graphql,
    Rest,
    Import,
    Job,
    Cli,
}

impl Origin {
    /// Name in history and API.
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
    /// Refuses what needs a named permission that the role does not give.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub fn demand(&self, permission: Permission) -> Result<()> {
        if self.access.has(permission) { Ok(()) } else { Err(Error::of(Code::Forbidden)) }
    }
}
