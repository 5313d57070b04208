//! The security log: who signed in, who failed to, who changed what others may do. It is stored in the organisation's
//! space; events of people without an organisation are in the control plane. It never contains secrets.

mod kind;
mod read;
mod sweep;

use entities::{
    control,
    ids::{EventId, UserId},
    tenant::security_log,
};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde_json::{Map, Value as Json};

pub use kind::Kind;
pub use read::{Line, LogQuery, Page, of_people, page};
pub use sweep::{SweepLog, begin, keep_days, set_keep_days, sweep, sweep_control};

use crate::{
    caller::{Actor, Caller},
    error::Result,
    identity::ClientInfo,
};

/// Repetitions of an event within this time are one entry, microseconds.
const DEDUPE_WINDOW: i64 = 60_000_000;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    kind: Kind,
    actor: Option<Actor>,
    client: Option<ClientInfo>,
    detail: Map<String, Json>,
}

impl Event {
    /// An event without an actor.
    pub fn new(kind: Kind) -> Self {
        Self { kind, actor: None, client: None, detail: Map::new() }
    }

    /// An event caused by a caller, from the request's address.
    pub fn of(caller: &Caller, kind: Kind) -> Self {
        Self { actor: Some(caller.actor), client: caller.client.as_deref().cloned(), ..Self::new(kind) }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Who did it, or who the attempt claimed to be.
    pub fn by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// The address it came from.
    pub fn from(self, client: &ClientInfo) -> Self {
        Self { client: Some(client.clone()), ..self }
    }

    /// Adds a detail; never a secret.
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }

    /// Entries with the same key are merged; the key is `id` where each stands alone.
    fn dedupe_key(&self, id: EventId, who: &str, now: i64) -> String {
        if !self.kind.is_deduplicated() {
            return id.to_string();
        }
        let address = self.client.as_ref().map(|client| client.address.to_string()).unwrap_or_default();
        format!("{} {who} {address} {}", self.kind.name(), now / DEDUPE_WINDOW)
    }

    fn address(&self) -> Option<String> {
        self.client.as_ref().map(|client| client.address.to_string())
    }

    fn agent(&self) -> Option<String> {
        self.client.as_ref().map(|client| client.agent.clone()).filter(|agent| !agent.is_empty())
    }

    fn detail(&self) -> String {
        Json::Object(self.detail.clone()).to_string()
    }
}

/// Adds an entry to an organisation's log, in its open transaction or alone.
///
/// # Errors
/// When the database does not answer.
pub async fn note(space: &impl ConnectionTrait, event: Event, now: i64) -> Result<()> {
    let id = EventId::new();
    let actor = event.actor.map(|actor| actor.stored());
    let row = security_log::ActiveModel {
        id: Set(id),
        dedupe_key: Set(event.dedupe_key(id, actor.as_deref().unwrap_or_default(), now)),
        at: Set(now),
        last_at: Set(now),
        times: Set(1),
        kind: Set(event.kind.name().to_owned()),
        address: Set(event.address()),
        agent: Set(event.agent()),
        detail: Set(event.detail()),
        actor: Set(actor),
    };
    let again = OnConflict::column(security_log::Column::DedupeKey)
        .value(security_log::Column::Times, Expr::col((security_log::Entity, security_log::Column::Times)).add(1))
        .value(security_log::Column::LastAt, now)
        .to_owned();
    security_log::Entity::insert(row).on_conflict(again).exec_without_returning(space).await?;
    Ok(())
}

/// Adds an entry about a person without an organisation, or about an unknown person.
///
/// # Errors
/// When the control plane does not answer.
pub async fn note_person(control: &impl ConnectionTrait, person: Option<UserId>, event: Event, now: i64) -> Result<()> {
    use control::security_log as log;
    let id = EventId::new();
    let who = person.map(|person| person.to_string()).unwrap_or_default();
    let row = log::ActiveModel {
        id: Set(id),
        dedupe_key: Set(event.dedupe_key(id, &who, now)),
        at: Set(now),
        last_at: Set(now),
        times: Set(1),
        kind: Set(event.kind.name().to_owned()),
        user_id: Set(person),
        address: Set(event.address()),
        agent: Set(event.agent()),
        detail: Set(event.detail()),
    };
    let again = OnConflict::column(log::Column::DedupeKey)
        .value(log::Column::Times, Expr::col((log::Entity, log::Column::Times)).add(1))
        .value(log::Column::LastAt, now)
        .to_owned();
    log::Entity::insert(row).on_conflict(again).exec_without_returning(control).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
