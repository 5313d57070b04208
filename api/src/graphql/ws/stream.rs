//! One operation of a connection: a single answer, or a subscription until it ends.

use std::sync::Arc;

use async_graphql_parser::types::OperationType;
use records::Ctx;
use tenants::{Caller, TenantDb};
use tokio::sync::mpsc;

use super::{protocol, socket::Said};
use crate::graphql::{Endpoint, Request, errors::Refusal, subscribe::Subscription};

/// How an operation sends messages.
pub struct Voice {
    pub id: String,
    pub number: u64,
    pub out: mpsc::Sender<Said>,
}

impl Voice {
    /// Sends a message; false if nobody listens any more.
    pub async fn say(&self, text: String, last: bool) -> bool {
        let said = Said { id: self.id.clone(), number: self.number, text, last };
        self.out.send(said).await.is_ok()
    }
}

/// A valid operation.
pub enum Opened {
    /// A query or mutation that is not answered yet.
    Once(Box<Once>),
    /// A subscription that is set up.
    Followed(Box<Subscription>),
}

/// A query or mutation.
pub struct Once {
    caller: Arc<Caller>,
    db: TenantDb,
    request: Request,
}

/// Prepares an operation; a subscription starts now.
///
/// # Errors
/// The reason why the document does not run.
pub async fn open(endpoint: &Endpoint, caller: Arc<Caller>, db: TenantDb, request: Request) -> Result<Opened, Refusal> {
    let ctx = Ctx::open(Arc::clone(&caller), db.clone(), Arc::clone(&endpoint.rules)).await;
    let ctx = ctx.map_err(|error| Refusal::service(&error, &caller))?;
    let session = endpoint.session(ctx, &request).await?;
    if session.plan.kind != OperationType::Subscription {
        return Ok(Opened::Once(Box::new(Once { caller, db, request })));
    }
    endpoint.charge(&session)?;
    Ok(Opened::Followed(Box::new(Subscription::begin(endpoint, session, request).await?)))
}

impl Opened {
    /// Sends the answers until there are no more.
    pub async fn run(self, endpoint: Arc<Endpoint>, voice: Voice) {
        match self {
            Opened::Once(once) => match endpoint.respond(once.caller, once.db, &once.request, true).await {
                Ok(answer) => {
                    if voice.say(protocol::next(&voice.id, &answer.body), false).await {
                        voice.say(protocol::complete(&voice.id), true).await;
                    }
                }
                Err(refusal) => drop(voice.say(protocol::error(&voice.id, &refusal.errors), true).await),
            },
            Opened::Followed(mut subscription) => loop {
                match subscription.next(&endpoint).await {
                    Ok(answers) => {
                        for answer in answers {
                            if !voice.say(protocol::next(&voice.id, &answer), false).await {
                                return;
                            }
                        }
                    }
                    Err(refusal) => {
                        voice.say(protocol::error(&voice.id, &refusal.errors), true).await;
                        return;
                    }
                }
            },
        }
    }
}
