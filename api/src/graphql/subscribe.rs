//! Subscriptions to the changes of an object's records: each change is read again as the caller may see it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entities::ids::{FieldId, RecordId};
use records::{
    catalog::{Catalog, Field, Origin},
    engine::{self, Archived, FeedChange, MAX_PAGE, Row, WriteKind},
    filter::{self, Filter},
};
use tenants::{
    error::{Code, Error, Kind as ErrorKind, Result},
    watch::Watched,
};

use super::{
    Endpoint, Request,
    errors::Refusal,
    execute::{Event, EventPlan, Kind},
    plan::delivery,
    respond::{Session, to_refusal},
    schema::model::{Action, Resolver},
};

/// Most changes reported one by one; more at once are a `RESYNC`, as are rollups that were computed anew for all records.
const MAX_EVENTS: usize = MAX_PAGE as usize;

/// A running subscription.
pub struct Subscription {
    session: Session,
    request: Request,
    watched: Arc<Watched>,
    seen: i64,
}

impl Subscription {
    /// Starts now: later commits are reported.
    ///
    /// # Errors
    /// The reason why it is not valid.
    pub async fn begin(endpoint: &Endpoint, mut session: Session, request: Request) -> Result<Self, Refusal> {
        let followed = match session.followed(endpoint).await {
            // another process may have just created what this catalog does not know
            Err(error) if error.code().kind() == ErrorKind::Invalid => match engine::verify(&session.ctx).await {
                Ok(()) => Err(error),
                Err(_) => {
                    endpoint.renew(&mut session, &request).await?;
                    session.followed(endpoint).await
                }
            },
            other => other,
        };
        let (watched, seen) = followed.map_err(|error| to_refusal(&error, &session.ctx.caller))?;
        Ok(Self { session, request, watched, seen })
    }

    /// Waits for changes, charges their cost and returns what to report.
    ///
    /// # Errors
    /// The reason why the subscription ends; `RATE_LIMITED` if the caller's budget is used up.
    pub async fn next(&mut self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>, Refusal> {
        self.watched.after(self.seen).await;
        loop {
            match self.read(endpoint).await {
                Ok(answers) => return Ok(answers),
                Err(error) if error.code() == Code::StaleCatalog => {
                    endpoint.renew(&mut self.session, &self.request).await?;
                }
                Err(error) => {
                    return Err(to_refusal(&error, &self.session.ctx.caller));
                }
            }
        }
    }

    /// What to report now, after the cost is charged.
    async fn read(&mut self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
        let plan = self.session.event_plan()?;
        let ctx = &self.session.ctx;
        let most = u32::try_from(MAX_EVENTS + 1).unwrap_or(u32::MAX);
        let page = engine::changes(ctx, self.seen, &[plan.object.id], most).await?;
        let rebuilt = page.changes.iter().any(|change| change.kind == WriteKind::Rebuilt);
        if rebuilt || page.changes.len() > MAX_EVENTS {
            endpoint.spend(&ctx.caller, 1)?;
            let answer = self.session.answer(&plan, Event { kind: Kind::Resync, id: None, row: None }).await?;
            self.seen = if page.has_more { engine::last_seq(&ctx.db).await? } else { page.last_seq };
            return Ok(vec![answer]);
        }
        let changes = merged(&page.changes);
        let rows = self.visible(&plan, &changes).await?;
        let event = |change: &FeedChange| {
            let row = rows.get(&change.record?);
            Some(Event { kind: kind(&ctx.catalog, &plan, change, row.is_some())?, id: change.record, row })
        };
        let events: Vec<Event<'_>> = changes.iter().filter_map(event).collect();
        if !events.is_empty() {
            let each = delivery(&self.session.schema.model, &self.session.plan, &self.session.variables);
            endpoint.spend(&ctx.caller, each.saturating_mul(events.len() as u64))?;
        }
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            answers.push(self.session.answer(&plan, event).await?);
        }
        self.seen = page.last_seq;
        Ok(answers)
    }

    /// The changed records that match and are visible, in their present state.
    async fn visible(&self, plan: &EventPlan<'_>, changes: &[FeedChange]) -> Result<HashMap<RecordId, Row>> {
        let ids: Vec<RecordId> = changes.iter().filter_map(|change| change.record).collect();
        let (object, filter) = (plan.object.id, plan.filter.as_ref());
        engine::among(&self.session.ctx, object, &plan.select, &ids, Archived::Include, filter).await
    }
}

impl Session {
    async fn followed(&self, endpoint: &Endpoint) -> Result<(Arc<Watched>, i64)> {
        let plan = self.event_plan()?;
        if let Some(filter) = &plan.filter {
            filter::check(&self.ctx, plan.object, filter)?;
        }
        let watched = endpoint.watcher.watch(&self.ctx.db).await?;
        Ok((watched, engine::last_seq(&self.ctx.db).await?))
    }

    fn event_plan(&self) -> Result<EventPlan<'_>> {
        let root = &self.plan.root;
        let missing = || Error::internal("a subscription without field");
        let planned = root.fields.first().ok_or_else(missing)?;
        let binder = self.binder();
        let declared = binder.declared(root, planned).ok_or_else(missing)?;
        match &declared.resolver {
            Resolver::Records { object, action: Action::Changed } => {
                EventPlan::bind(&binder, binder.object(object)?, declared, planned)
            }
            _ => Err(missing()),
        }
    }

    async fn answer(&self, plan: &EventPlan<'_>, event: Event<'_>) -> Result<Vec<u8>> {
        Ok(plan.to_answer(&self.binder(), event).await?.finish())
    }
}

/// One change per record: its kind from the last one, its position from the first.
fn merged(changes: &[FeedChange]) -> Vec<FeedChange> {
    let mut merged: Vec<FeedChange> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.iter_mut().find(|known| known.record == change.record) {
            None => merged.push(change.clone()),
            Some(known) => {
                let born = known.kind == WriteKind::Created && change.kind != WriteKind::Destroyed;
                let fields: HashSet<FieldId> = known.fields.iter().chain(&change.fields).copied().collect();
                known.fields = fields.into_iter().collect();
                // a total that moved does not hide what was done to the record
                if !born && change.kind != WriteKind::Rollup {
                    known.kind = change.kind;
                }
            }
        }
    }
    merged
}

/// The change for somebody who sees the record now or does not; `None` if it never concerned them.
fn kind(catalog: &Catalog, plan: &EventPlan<'_>, change: &FeedChange, visible: bool) -> Option<Kind> {
    match change.kind {
        WriteKind::Destroyed => Some(Kind::Destroyed),
        WriteKind::Unchanged | WriteKind::Rebuilt => None,
        WriteKind::Created => visible.then_some(Kind::Created),
        WriteKind::Archived if visible => Some(Kind::Archived),
        WriteKind::Restored if visible => Some(Kind::Restored),
        WriteKind::Updated if visible => Some(Kind::Updated),
        WriteKind::Rollup if visible => Some(Kind::Rollup),
        _ => plan.filter.as_ref().is_none_or(|filter| concerns(catalog, filter, &change.fields)).then_some(Kind::Left),
    }
}

/// Whether a change of these fields can change the result of the filter. Fields that the feed does not report (time and
/// author of the last change) and conditions on related records always can.
fn concerns(catalog: &Catalog, filter: &Filter, changed: &[FieldId]) -> bool {
    let reported = |field: &Field| field.writable || field.origin != Origin::System;
    filter.looks_at(&|field| changed.contains(&field) || !catalog.field(field).is_some_and(reported))
}
