//! A connection of `graphql-transport-ws`.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};

use crate::Client;

/// How long news may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open connection of an actor.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects as an actor, and waits until the credential is accepted.
    pub async fn open(client: &Client) -> Self {
        let mut request = client.url("/graphql/ws").replace("http", "ws").into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a name"));
        let (stream, _) = connect_async(request).await.expect("a connection");
        let mut socket = Self(stream);
        let payload = json!({ "authorization": format!("Bearer {}", client.token()) });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    /// Connects and follows a subscription, which has begun when this returns.
    pub async fn following(client: &Client, query: &str) -> Self {
        let mut socket = Self::open(client).await;
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": query } })).await;
        socket.lives().await;
        socket
    }

    /// Asks whether the connection is open. Messages are handled in turn: what was sent before is done then.
    pub async fn lives(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        let heard = self.next().await;
        assert_eq!(heard["type"], "pong", "{heard}");
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message in time");
            match message.expect("an open connection").expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(frame) => panic!("the server closed the connection: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The code and the reason with which the server closes the connection within this time.
    pub async fn closed(mut self, within: Duration) -> (u16, String) {
        let closed = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                        break (code.into(), reason.as_str().to_owned());
                    }
                    Some(Ok(Message::Text(text))) => panic!("instead of the end: {text}"),
                    Some(Ok(_)) => {}
                    other => panic!("the connection broke: {other:?}"),
                }
            }
        };
        tokio::time::timeout(within, closed).await.expect("the server closes the connection in time")
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }
}
