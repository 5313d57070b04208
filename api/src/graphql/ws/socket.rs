//! One connection: its handshake, its operations and its messages.

use std::{collections::HashMap, sync::Arc, time::Instant};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use futures::StreamExt;
use tenants::{Caller, Code, TenantDb};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{Instant as Deadline, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Authenticate,
    protocol::{self, Hangup, Message},
    stream,
};
use crate::graphql::{
    Endpoint, Request,
    errors::{GraphqlError, Refusal},
};

/// Most messages that wait to be sent; operations wait when the queue is full.
const WAITING: usize = 64;

/// One connection.
pub struct Socket {
    endpoint: Arc<Endpoint>,
    session: Session,
    authenticate: Authenticate,
    /// The caller, after the handshake.
    member: Option<Member>,
    operations: HashMap<String, Running>,
    out: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
    /// Distinguishes the messages of an operation from those of an earlier one with the same id.
    started: u64,
}

#[derive(Clone)]
struct Member {
    caller: Arc<Caller>,
    db: TenantDb,
    credential: String,
}

struct Running {
    task: AbortHandle,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A message of an operation.
pub(super) struct Said {
    pub id: String,
    pub number: u64,
    pub text: String,
    /// Nothing follows.
    pub last: bool,
}

/// Continue, or the reason to close.
type Flow = Result<(), (Hangup, String)>;

fn hang(reason: Hangup) -> (Hangup, String) {
    (reason, String::new())
}

impl Socket {
    /// A connection before its handshake.
    pub fn new(endpoint: Arc<Endpoint>, session: Session, authenticate: Authenticate) -> Self {
        let (out, said) = mpsc::channel(WAITING);
        Self { endpoint, session, authenticate, member: None, operations: HashMap::new(), out, said, started: 0 }
    }

    /// Serves the connection until one side closes it.
    pub async fn run(mut self, mut messages: AggregatedMessageStream) {
        let open = self.endpoint.sockets.open();
        let (reason, id) = match self.serve(&mut messages).await {
            Ok(()) => (Hangup::Gone, String::new()),
            Err(hangup) => hangup,
        };
        self.operations.clear();
        drop(open);
        // a closed connection cannot be told the reason
        drop(self.session.close(Some(reason.reason(&id))).await);
    }

    async fn serve(&mut self, messages: &mut AggregatedMessageStream) -> Flow {
        let init_by = Deadline::now() + protocol::INIT_WITHIN;
        let mut heard = Instant::now();
        let mut pings = interval(protocol::PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checks = interval(protocol::CHECK_EVERY);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.next() => {
                    heard = Instant::now();
                    match message {
                        None => return Ok(()),
                        Some(message) => if !self.hear(message).await? { return Ok(()) },
                    }
                }
                Some(said) = self.said.recv() => self.tell(said).await?,
                () = sleep_until(init_by), if self.member.is_none() => return Err(hang(Hangup::InitTimeout)),
                _ = pings.tick() => {
                    if heard.elapsed() > protocol::SILENT_FOR { return Err(hang(Hangup::Gone)) }
                    self.session.ping(b"").await.map_err(|_| hang(Hangup::Gone))?;
                }
                _ = checks.tick(), if self.member.is_some() => self.check().await?,
            }
        }
    }

    /// Handles a message; false if the client closed the connection.
    async fn hear(&mut self, message: Result<AggregatedMessage, ProtocolError>) -> Result<bool, (Hangup, String)> {
        match message {
            Ok(AggregatedMessage::Text(text)) => self.understand(&text).await.map(|()| true),
            Ok(AggregatedMessage::Binary(_)) => Err(hang(Hangup::BadMessage)),
            Ok(AggregatedMessage::Ping(bytes)) => {
                self.session.pong(&bytes).await.map_err(|_| hang(Hangup::Gone))?;
                Ok(true)
            }
            Ok(AggregatedMessage::Pong(_)) => Ok(true),
            Ok(AggregatedMessage::Close(_)) => Ok(false),
            Err(ProtocolError::Overflow | ProtocolError::Io(_)) => Err(hang(Hangup::TooLarge)),
            Err(_) => Err(hang(Hangup::BadMessage)),
        }
    }

    async fn understand(&mut self, text: &str) -> Flow {
        match Message::parse(text).ok_or_else(|| hang(Hangup::BadMessage))? {
            Message::Init(_) if self.member.is_some() => Err(hang(Hangup::InitTwice)),
            Message::Init(payload) => {
                let credential = protocol::credential(&payload).ok_or_else(|| hang(Hangup::Forbidden))?;
                self.member = Some(self.recognise(credential).await?);
                self.send(protocol::acknowledge()).await
            }
            Message::Ping(payload) => self.send(protocol::pong(payload)).await,
            Message::Pong => Ok(()),
            Message::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
            Message::Subscribe { id, request } => match self.member.clone() {
                None => Err(hang(Hangup::Unauthorized)),
                Some(_) if self.operations.contains_key(&id) => Err((Hangup::IdInUse, id)),
                Some(member) => self.start(id, request, member).await,
            },
        }
    }

    async fn recognise(&self, credential: String) -> Result<Member, (Hangup, String)> {
        match (self.authenticate)(credential.clone()).await {
            Ok((caller, db)) => Ok(Member { caller, db, credential }),
            Err(_) => Err(hang(Hangup::Forbidden)),
        }
    }

    /// Closes the connection if the credential has expired or was revoked, or allows something else than when it
    /// started.
    async fn check(&mut self) -> Flow {
        let Some(member) = &self.member else { return Ok(()) };
        match (self.authenticate)(member.credential.clone()).await {
            Ok((caller, _)) if caller.access == member.caller.access => Ok(()),
            Ok(_) => Err(hang(Hangup::AccessChanged)),
            // a database that does not answer for a moment says nothing about the credential
            Err(error) if error.code().kind().retryable() => Ok(()),
            Err(_) => Err(hang(Hangup::Forbidden)),
        }
    }

    /// Starts an operation. A subscription is set up before the next message is read, so that it reports what the
    /// client does next.
    async fn start(&mut self, id: String, request: Request, member: Member) -> Flow {
        if self.operations.len() >= protocol::MAX_OPERATIONS {
            let message = format!("A connection can have at most {} operations at a time.", protocol::MAX_OPERATIONS);
            let error = GraphqlError::of_request(Code::RateLimited, message, Vec::new());
            return self.send(protocol::error(&id, &[error])).await;
        }
        self.started += 1;
        let voice = stream::Voice { id: id.clone(), number: self.started, out: self.out.clone() };
        let caller = Arc::new(Caller { request: uuid::Uuid::now_v7().to_string(), ..(*member.caller).clone() });
        let task = match stream::open(&self.endpoint, caller, member.db, request).await {
            Ok(opened) => actix_web::rt::spawn(opened.run(Arc::clone(&self.endpoint), voice)).abort_handle(),
            Err(Refusal { errors, .. }) => return self.send(protocol::error(&id, &errors)).await,
        };
        self.operations.insert(id, Running { task, number: self.started });
        Ok(())
    }

    /// Forwards the messages of an operation, unless it was ended meanwhile.
    async fn tell(&mut self, said: Said) -> Flow {
        if self.operations.get(&said.id).is_none_or(|running| running.number != said.number) {
            return Ok(());
        }
        if said.last {
            self.operations.remove(&said.id);
        }
        self.send(said.text).await
    }

    async fn send(&mut self, text: String) -> Flow {
        self.session.text(text).await.map_err(|_| hang(Hangup::Gone))
    }
}
