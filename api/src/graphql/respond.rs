//! Answers one request, from document to answer.

use std::sync::Arc;

use async_graphql_parser::types::OperationType;
use futures::future::try_join_all;
use records::{
    Ctx,
    engine::idempotency::{self, Begun},
    values::Locale,
};
use serde_json::{Map, Value as Json, json};
use tenants::{
    Caller, TenantDb,
    error::{Code, Error},
};

use super::{
    Endpoint,
    budget::Left,
    errors::{GraphqlError, Refusal, log},
    execute::{Binder, Out, Root, fetch, show, write},
    input::{Variables, coerce_variables},
    plan::{MAX_COST, Plan, Planned, Prepared, cost, introspect},
    schema::Schema,
};

/// A request, from any transport.
#[derive(Debug, Default)]
pub struct Request {
    /// The document.
    pub query: String,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Map<String, Json>,
    /// The `Idempotency-Key`, if one was given.
    pub idempotency: Option<String>,
}

/// The result of a request.
pub struct Answer {
    /// `{"data": …, "errors": …}`.
    pub body: Vec<u8>,
    /// Its cost.
    pub price: Price,
    /// How many milliseconds to wait before a refused request may be repeated.
    pub wait: Option<u64>,
}

/// The cost of a request, and what is left of the budget.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    /// Points.
    pub cost: u64,
    /// What its caller has left.
    pub left: Left,
}

impl Price {
    /// As shown in answers.
    pub fn to_json(self) -> Json {
        json!({
            "requested": self.cost,
            "limit": MAX_COST,
            "budget": self.left.limit,
            "remaining": self.left.remaining,
        })
    }
}

/// How often a request is planned again because the catalog changed.
const ATTEMPTS: usize = 4;

/// A request planned with one version of the catalog.
pub(super) struct Session {
    pub ctx: Ctx,
    pub schema: Arc<Schema>,
    pub prepared: Arc<Prepared>,
    pub plan: Arc<Plan>,
    pub variables: Variables,
    pub locale: Locale,
}

impl Endpoint {
    /// Answers a query or mutation.
    ///
    /// # Errors
    /// The reason why the document does not run at all.
    pub async fn respond(
        &self,
        caller: Arc<Caller>,
        db: TenantDb,
        request: &Request,
        mutations: bool,
    ) -> Result<Answer, Refusal> {
        let ctx = Ctx::open(Arc::clone(&caller), db, Arc::clone(&self.rules)).await;
        self.respond_in(ctx.map_err(|error| to_refusal(&error, &caller))?, request, mutations).await
    }

    /// Answers with the catalog that this process knows, or with a newer one if that fails.
    pub(super) async fn respond_in(&self, ctx: Ctx, request: &Request, mutations: bool) -> Result<Answer, Refusal> {
        let caller = Arc::clone(&ctx.caller);
        let mut session = self.session(ctx, request).await?;
        match session.plan.kind {
            OperationType::Mutation if !mutations => return Err(Refusal::method("Send mutations by POST.")),
            OperationType::Subscription => {
                let message = "Subscriptions are served over WebSocket, at the same address followed by `/ws`.";
                return Err(Refusal::bad_request(message));
            }
            _ => {}
        }
        let price = self.charge(&session)?;
        match session.plan.kind {
            OperationType::Mutation => self.mutate(&mut session, request, price).await,
            _ => {
                for _ in 0..ATTEMPTS {
                    match session.query(price).await {
                        Ok(answer) => return Ok(answer),
                        Err(error) if error.code() == Code::StaleCatalog => self.renew(&mut session, request).await?,
                        Err(error) => return Err(to_refusal(&error, &caller)),
                    }
                }
                Err(to_refusal(&Error::of(Code::StaleCatalog), &caller))
            }
        }
    }

    /// The schema of a tenant in GraphQL's schema definition language.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub async fn sdl(&self, caller: Arc<Caller>, db: TenantDb) -> tenants::Result<String> {
        let ctx = Ctx::open(caller, db, Arc::clone(&self.rules)).await?.refreshed().await?;
        Ok(self.schemas.of(ctx.caller.tenant, &ctx.catalog).await?.sdl())
    }

    /// Plans a request with the catalog that this process knows. Before a document is refused, the catalog is read
    /// again, because another process may have added what it uses.
    pub(super) async fn session(&self, ctx: Ctx, request: &Request) -> Result<Session, Refusal> {
        match self.planned(ctx.clone(), request).await {
            Err(refusal) if refusal.may_be_stale() => match records::engine::verify(&ctx).await {
                Ok(()) => Err(refusal),
                Err(error) if error.code() == Code::StaleCatalog => {
                    let caller = Arc::clone(&ctx.caller);
                    let ctx = ctx.refreshed().await.map_err(|error| Refusal::service(&error, &caller))?;
                    self.planned(ctx, request).await
                }
                Err(error) => Err(Refusal::service(&error, &ctx.caller)),
            },
            other => other,
        }
    }

    async fn planned(&self, ctx: Ctx, request: &Request) -> Result<Session, Refusal> {
        let schema = self.schemas.of(ctx.caller.tenant, &ctx.catalog).await;
        let schema = schema.map_err(|error| to_refusal(&error, &ctx.caller))?;
        let prepared = self.documents.prepare(&schema, &request.query, request.operation_name.as_deref()).await?;
        let variables = coerce_variables(&schema.model, &prepared.variables, &request.variables)?;
        let plan = prepared.plan(&schema.model, &variables)?;
        let locale = ctx.locale();
        Ok(Session { ctx, schema, prepared, plan, variables, locale })
    }

    /// The same request with the catalog read again.
    pub(super) async fn renew(&self, session: &mut Session, request: &Request) -> Result<(), Refusal> {
        let caller = Arc::clone(&session.ctx.caller);
        let ctx = session.ctx.refreshed().await.map_err(|error| Refusal::service(&error, &caller))?;
        *session = self.planned(ctx, request).await?;
        Ok(())
    }

    /// Charges the cost of a request to its caller's budget.
    pub(super) fn charge(&self, session: &Session) -> Result<Price, Refusal> {
        let cost = cost(&session.schema.model, &session.plan, &session.variables);
        if cost > MAX_COST {
            return Err(Refusal::too_expensive(cost, MAX_COST));
        }
        let caller = &session.ctx.caller;
        let left = self.spend(caller, cost).map_err(|error| to_refusal(&error, caller))?;
        Ok(Price { cost, left })
    }

    /// Runs a mutation, once per idempotency key.
    async fn mutate(&self, session: &mut Session, request: &Request, price: Price) -> Result<Answer, Refusal> {
        let (db, caller) = (session.ctx.db.clone(), Arc::clone(&session.ctx.caller));
        let Some(key) = &request.idempotency else {
            let Done { body, wait, .. } = self.written(session, request).await;
            return Ok(Answer { body, price, wait });
        };
        let refuse = |error: Error| to_refusal(&error, &caller);
        match idempotency::begin(&db, &caller, key, &request.hash()).await.map_err(refuse)? {
            Begun::Repeated(body) => Ok(Answer { body: body.into_bytes(), price, wait: None }),
            Begun::Fresh => {
                session.ctx.db = db.marked(idempotency::mark(&caller, key));
                let done = self.written(session, request).await;
                let kept = if done.undone {
                    idempotency::abandon(&db, &caller, key).await
                } else {
                    let body = String::from_utf8_lossy(&done.body).into_owned();
                    idempotency::finish(&db, &caller, key, body).await
                };
                // the write is committed, so it is answered even if the answer cannot be stored
                if let Err(error) = kept {
                    log(&error, &caller.request);
                }
                Ok(Answer { body: done.body, price, wait: done.wait })
            }
        }
    }

    async fn written(&self, session: &mut Session, request: &Request) -> Done {
        let mut out = Out::new(&session.ctx.caller);
        let (mut nulled, mut failed) = (false, 0);
        let count = session.plan.root.fields.len();
        for at in 0..count {
            out.json.push(if at == 0 { b'{' } else { b',' });
            out.key(&Arc::clone(&session.plan.root.fields[at].key));
            let errors = out.errors.len();
            nulled |= write(self, session, request, &mut out, at).await.is_err();
            failed += usize::from(out.errors[errors..].iter().any(GraphqlError::is_ours));
        }
        out.json.push(b'}');
        self.watcher.nudge(session.ctx.caller.tenant);
        if nulled {
            out.no_data();
        }
        Done { undone: failed == count, wait: wait(&out.errors), body: out.finish() }
    }
}

/// A mutation that ran.
struct Done {
    body: Vec<u8>,
    /// Every field failed because of an internal error, so the same request may succeed later.
    undone: bool,
    wait: Option<u64>,
}

/// The longest waiting time in the errors.
fn wait(errors: &[GraphqlError]) -> Option<u64> {
    errors.iter().filter_map(|error| error.extensions.get("retryAfterMs")?.as_u64()).max()
}

impl Request {
    /// Identifies a request.
    fn hash(&self) -> String {
        let operation = self.operation_name.as_deref().unwrap_or_default();
        let variables = Json::Object(self.variables.clone()).to_string();
        idempotency::hash(&[self.query.as_bytes(), operation.as_bytes(), variables.as_bytes()])
    }
}

impl Session {
    /// Combines plan and catalog.
    pub fn binder(&self) -> Binder<'_> {
        Binder { ctx: &self.ctx, schema: &self.schema, variables: &self.variables, locale: &self.locale }
    }

    async fn query(&self, price: Price) -> Result<Answer, Error> {
        let binder = self.binder();
        let root = &self.plan.root;
        let bound: Vec<(&Planned, Root<'_>)> =
            root.fields.iter().map(|planned| (planned, binder.root(root, planned))).collect();
        let fetched = try_join_all(bound.iter().map(|(_, root)| fetch(&self.ctx, root))).await?;
        let introspection = if self.plan.introspects() {
            let found = introspect(&self.schema, &self.prepared, &self.variables).await;
            found.map_err(|refusal| Error::internal(refusal.errors[0].message.clone()))?
        } else {
            Map::new()
        };
        let mut out = Out::new(&self.ctx.caller);
        let fields = bound.iter().zip(&fetched).map(|((planned, root), fetched)| (*planned, (root, fetched)));
        let written =
            out.object(fields, |out, planned, field| show(&binder, out, root, planned, field, &introspection));
        if written.is_err() {
            out.no_data();
        }
        // another process may have just created what this catalog does not know
        if self.plan.introspects() || out.errors.iter().any(GraphqlError::may_be_stale) {
            records::engine::verify(&self.ctx).await?;
        }
        Ok(Answer { wait: wait(&out.errors), body: out.finish(), price })
    }
}

/// A service's refusal of a whole request, logged.
pub(super) fn to_refusal(error: &Error, caller: &Caller) -> Refusal {
    log(error, &caller.request);
    Refusal::service(error, caller)
}
