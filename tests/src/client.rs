//! Somebody who talks to the application over HTTP, with or without credentials.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Answer;

/// What speaks HTTP for the actors of one test. A connection is given up before the server closes it (after five seconds),
/// so that no request meets its end.
pub(crate) fn http() -> reqwest::Client {
    // the TLS library's cryptography is chosen once per process
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(2));
    client.build().expect("a client")
}

/// An actor.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(base: String, token: Option<String>, http: reqwest::Client) -> Self {
        Self { base, token, http }
    }

    /// The same at the same server with another token or key.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same actor at another server.
    pub fn at(&self, server: &crate::Server) -> Self {
        Self { base: server.url(""), ..self.clone() }
    }

    /// The credential.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("an actor with credentials")
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request with the actor's credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A document for the tenant's endpoint.
    pub async fn graphql(&self, query: &str, variables: Value) -> Answer {
        self.graphql_at("/graphql", query, variables).await
    }

    /// A document for the account endpoint.
    pub async fn account(&self, query: &str, variables: Value) -> Answer {
        self.graphql_at("/graphql/account", query, variables).await
    }

    /// A document for an endpoint by its path.
    pub async fn graphql_at(&self, path: &str, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    /// The data of a document that must succeed.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        self.graphql(query, variables).await.data()
    }

    /// The code of a document that must fail.
    pub async fn code(&self, query: &str, variables: Value) -> String {
        self.graphql(query, variables).await.code()
    }
}
