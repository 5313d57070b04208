//! One connection: its handshake, its operations and its messages.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use futures::StreamExt;
use tenants::{
    Caller, Code, TenantDb,
    watch::{Revocation, Watched},
};
use tokio::{
    sync::{broadcast, mpsc},
    task::AbortHandle,
    time::{Instant as Deadline, MissedTickBehavior, interval, sleep_until},
};
use uuid::Uuid;

use super::{
    Authenticate, Authenticated,
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
    revocations: broadcast::Receiver<Revocation>,
    /// Distinguishes the messages of an operation from those of an earlier one with the same id.
    started: u64,
}

#[derive(Clone)]
struct Member {
    caller: Arc<Caller>,
    db: TenantDb,
    credential: String,
    /// Whose revocations concern it.
    ids: Vec<Uuid>,
    /// When the credential expires, or is checked in any case.
    check_at: Deadline,
    /// Without it, revocations of its organisation are not heard of.
    _watched: Arc<Watched>,
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

/// When somebody's credential expires, or is checked in any case.
fn next_check(somebody: &Authenticated) -> Deadline {
    let left = somebody.expires.saturating_mul(1_000_000).saturating_sub(somebody.caller.clock.micros());
    let left = Duration::from_micros(u64::try_from(left).unwrap_or_default());
    Deadline::now() + left.clamp(protocol::CHECK_AGAIN, protocol::CHECK_LATER)
}

impl Socket {
    /// A connection before its handshake.
    pub fn new(endpoint: Arc<Endpoint>, session: Session, authenticate: Authenticate) -> Self {
        let (out, said) = mpsc::channel(WAITING);
        let revocations = endpoint.watcher.revocations();
        let operations = HashMap::new();
        Self { endpoint, session, authenticate, member: None, operations, out, said, revocations, started: 0 }
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
        loop {
            let check_at = self.member.as_ref().map(|member| member.check_at);
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
                revocation = self.revocations.recv() => self.revoked(revocation.ok()).await?,
                () = sleep_until(check_at.unwrap_or(init_by)), if check_at.is_some() => self.check(Instant::now()).await?,
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

    /// Whoever has the credential, as things stand once their organisation is watched: what changes later is heard of.
    async fn recognise(&self, credential: String) -> Result<Member, (Hangup, String)> {
        let refused = |_| hang(Hangup::Forbidden);
        let lately = (self.authenticate)(credential.clone(), None).await.map_err(refused)?;
        let watched = self.endpoint.watcher.watch(&lately.db).await.map_err(refused)?;
        let now = (self.authenticate)(credential.clone(), Some(Instant::now())).await.map_err(refused)?;
        let ids = now.user.map(|user| user.0).into_iter().chain([now.caller.tenant.0]).collect();
        let check_at = next_check(&now);
        Ok(Member { caller: now.caller, db: now.db, credential, ids, check_at, _watched: watched })
    }

    /// Checks the credential if a revocation concerns it, or some were missed.
    async fn revoked(&mut self, revocation: Option<Revocation>) -> Flow {
        let Some(member) = &self.member else { return Ok(()) };
        match revocation {
            Some(revocation) if !revocation.concerns(&member.ids) => Ok(()),
            revocation => self.check(revocation.map_or_else(Instant::now, |revocation| revocation.seen)).await,
        }
    }

    /// Closes the connection if the credential has expired or was revoked, or allows something else than when it
    /// started: as things stand at this instant or later.
    async fn check(&mut self, since: Instant) -> Flow {
        let Some(member) = &mut self.member else { return Ok(()) };
        match (self.authenticate)(member.credential.clone(), Some(since)).await {
            Ok(now) if now.caller.access == member.caller.access => {
                member.check_at = next_check(&now);
                Ok(())
            }
            Ok(_) => Err(hang(Hangup::AccessChanged)),
            // a database that does not answer for a moment says nothing about the credential
            Err(error) if error.code().kind().retryable() => {
                member.check_at = Deadline::now() + protocol::CHECK_AGAIN;
                Ok(())
            }
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
