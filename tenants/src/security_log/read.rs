//! Reads security logs, newest entry first.

use entities::{
    control,
    ids::{EventId, UserId},
    tenant::security_log,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value as Json;

use super::Kind;
use crate::{caller::Actor, db::TenantDb, error::Result};

/// Which entries to read.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Most entries.
    pub first: u64,
    /// Only entries before this one.
    pub after: Option<EventId>,
    /// Only these kinds; empty for all.
    pub kinds: Vec<Kind>,
    /// Only these actors.
    pub actors: Option<Vec<Actor>>,
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: EventId,
    /// Name of a [`Kind`].
    pub kind: String,
    /// The first time, microseconds UTC.
    pub at: i64,
    /// The last time, if it happened several times within a minute.
    pub last_at: i64,
    pub times: i64,
    /// As [`Actor::stored`]; in the control plane the id of an account.
    pub actor: Option<String>,
    pub address: Option<String>,
    pub agent: Option<String>,
    pub detail: Json,
}

/// Entries, and whether older ones follow.
#[derive(Clone, Debug)]
pub struct Page {
    pub lines: Vec<Line>,
    pub more: bool,
}

/// A page of an organisation's log.
///
/// # Errors
/// When the database does not answer.
pub async fn page(db: &TenantDb, asked: &LogQuery) -> Result<Page> {
    let mut query = security_log::Entity::find().order_by_desc(security_log::Column::Id).limit(asked.first + 1);
    if let Some(after) = asked.after {
        query = query.filter(security_log::Column::Id.lt(after));
    }
    if !asked.kinds.is_empty() {
        query = query.filter(security_log::Column::Kind.is_in(asked.kinds.iter().map(|kind| kind.name())));
    }
    if let Some(actors) = &asked.actors {
        query = query.filter(security_log::Column::Actor.is_in(actors.iter().map(Actor::stored)));
    }
    let mut rows = query.all(db).await?;
    let more = rows.len() as u64 > asked.first;
    rows.truncate(asked.first as usize);
    let line = |row: security_log::Model| Line {
        id: row.id,
        kind: row.kind,
        at: row.at,
        last_at: row.last_at,
        times: row.times,
        actor: row.actor,
        address: row.address,
        agent: row.agent,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
    };
    Ok(Page { lines: rows.into_iter().map(line).collect(), more })
}

/// The newest entries about people without an organisation: one of them, or all.
///
/// # Errors
/// When the control plane does not answer.
pub async fn of_people(control: &impl ConnectionTrait, person: Option<UserId>, first: u64) -> Result<Vec<Line>> {
    use control::security_log as log;
    let mut query = log::Entity::find().order_by_desc(log::Column::Id).limit(first);
    if let Some(person) = person {
        query = query.filter(log::Column::UserId.eq(person));
    }
    let line = |row: log::Model| Line {
        id: row.id,
        kind: row.kind,
        at: row.at,
        last_at: row.last_at,
        times: row.times,
        actor: row.user_id.map(|person| person.to_string()),
        address: row.address,
        agent: row.agent,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
    };
    Ok(query.all(control).await?.into_iter().map(line).collect())
}
