//! Subscriptions to the changes of an object's records: each change is read again as the caller may see it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entities::ids::{FieldId, RecordId};
use records::{
    catalog::{Catalog, Field},
    engine::{self, Archived, FeedChange, MAX_PAGE, Row, WriteKind},
    filter::{self, Filter},
};
use tenants::error::{Code, Error, Kind as ErrorKind, Result};

use super::{
    Endpoint, Request,
    errors::Refusal,
    execute::{Event, EventPlan, Kind},
    feeds::Feed,
    plan::delivery,
    respond::{Session, to_refusal},
    schema::model::{Action, Resolver},
};

/// Changes that are told one by one; more at once are a `RESYNC`.
const MAX_EVENTS: usize = MAX_PAGE as usize;

/// A subscription that has begun.
pub struct Subscription {
    session: Session,
    request: Request,
    feed: Arc<Feed>,
    seen: i64,
}

impl Subscription {
    /// Begins now: what is committed from here on is told.
    ///
    /// # Errors
    /// What keeps it from being understood.
    pub async fn begin(endpoint: &Endpoint, mut session: Session, request: Request) -> Result<Self, Refusal> {
        let followed = match session.followed(endpoint).await {
            // What the catalog of this process does not know, another may have made a moment ago.
            Err(error) if error.code().kind() == ErrorKind::Invalid => match engine::verify(&session.ctx).await {
                Ok(()) => Err(error),
                Err(_) => {
                    endpoint.renew(&mut session, &request).await?;
                    session.followed(endpoint).await
                }
            },
            other => other,
        };
        let (feed, seen) = followed.map_err(|error| to_refusal(&error, &session.ctx.caller))?;
        Ok(Self { session, request, feed, seen })
    }

    /// Waits for changes and answers what is to be told of them, at its price.
    ///
    /// # Errors
    /// What ends the subscription; `RATE_LIMITED` when the caller's budget does not reach.
    pub async fn next(&mut self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>, Refusal> {
        self.feed.after(self.seen).await;
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

    /// What is to be told now, once it is paid for.
    async fn read(&mut self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
        let plan = self.session.event_plan()?;
        let ctx = &self.session.ctx;
        let most = u32::try_from(MAX_EVENTS + 1).unwrap_or(u32::MAX);
        let page = engine::changes(ctx, self.seen, &[plan.object.id], most).await?;
        if page.changes.len() > MAX_EVENTS {
            endpoint.spend(&ctx.caller, 1)?;
            let answer = self.session.answer(&plan, Event { kind: Kind::Resync, id: None, row: None }).await?;
            self.seen = engine::last_seq(&ctx.db).await?;
            return Ok(vec![answer]);
        }
        let changes = merged(&page.changes);
        let rows = self.visible(&plan, &changes).await?;
        let event = |change: &FeedChange| {
            let row = rows.get(&change.record);
            Some(Event { kind: kind(&ctx.catalog, &plan, change, row.is_some())?, id: Some(change.record), row })
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

    /// The changed records that match and may be seen, as they are now.
    async fn visible(&self, plan: &EventPlan<'_>, changes: &[FeedChange]) -> Result<HashMap<RecordId, Row>> {
        let ids: Vec<RecordId> = changes.iter().map(|change| change.record).collect();
        let (object, filter) = (plan.object.id, plan.filter.as_ref());
        engine::among(&self.session.ctx, object, &plan.select, &ids, Archived::Include, filter).await
    }
}

impl Session {
    async fn followed(&self, endpoint: &Endpoint) -> Result<(Arc<Feed>, i64)> {
        let plan = self.event_plan()?;
        if let Some(filter) = &plan.filter {
            filter::check(&self.ctx, plan.object, filter)?;
        }
        endpoint.feeds.subscribe(&self.ctx.db).await
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

/// One change per record, the last one telling what it is, where the first happened.
fn merged(changes: &[FeedChange]) -> Vec<FeedChange> {
    let mut merged: Vec<FeedChange> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.iter_mut().find(|known| known.record == change.record) {
            None => merged.push(change.clone()),
            Some(known) => {
                let born = known.kind == WriteKind::Created && change.kind != WriteKind::Destroyed;
                let fields: HashSet<FieldId> = known.fields.iter().chain(&change.fields).copied().collect();
                known.fields = fields.into_iter().collect();
                if !born {
                    known.kind = change.kind;
                }
            }
        }
    }
    merged
}

/// What a change is to one who sees the record now or does not; nothing where it never concerned them.
fn kind(catalog: &Catalog, plan: &EventPlan<'_>, change: &FeedChange, visible: bool) -> Option<Kind> {
    match change.kind {
        WriteKind::Destroyed => Some(Kind::Destroyed),
        WriteKind::Unchanged => None,
        WriteKind::Created => visible.then_some(Kind::Created),
        WriteKind::Archived if visible => Some(Kind::Archived),
        WriteKind::Restored if visible => Some(Kind::Restored),
        WriteKind::Updated if visible => Some(Kind::Updated),
        _ => plan.filter.as_ref().is_none_or(|filter| concerns(catalog, filter, &change.fields)).then_some(Kind::Left),
    }
}

/// Whether a change of these fields can change what the filter says. Fields that the history does not tell of (when and
/// by whom it was changed, totals) and conditions on related records always can.
fn concerns(catalog: &Catalog, filter: &Filter, changed: &[FieldId]) -> bool {
    let reported = |field: &Field| field.audited && field.rollup().is_none();
    filter.looks_at(&|field| changed.contains(&field) || !catalog.field(field).is_some_and(reported))
}
