//! The endpoint on a real tenant, without a transport.

mod access;
mod actors;
mod catalog;
mod changes;
mod operations;
mod records;
mod refusals;
mod sdl;
mod subscriptions;

use std::sync::Arc;

use ::records::operations::Module;
use serde_json::{Value as Json, json};
use tenants::{Caller, TenantDb, testing};

use super::{Budget, Endpoint, Request, Table};

/// A tenant with the standard objects, and its endpoint.
pub(super) struct World {
    pub endpoint: Endpoint,
    pub db: TenantDb,
}

fn endpoint(table: Arc<Table>, budget: Budget) -> Endpoint {
    Endpoint::new(crm::rules(), budget, table)
}

impl World {
    pub async fn new() -> Self {
        let db = testing::space().await;
        ::records::catalog::provision(&db, &crm::objects()).await.unwrap();
        let table = Arc::new(Table::of_release().unwrap());
        Self { endpoint: endpoint(table, Budget { points: 1_000_000, per_second: 200_000 }), db }
    }

    /// Puts an endpoint with another budget in the place of the world's.
    pub fn endpoint_with(&self, budget: Budget) -> Endpoint {
        endpoint(Arc::new(Table::of_release().unwrap()), budget)
    }

    /// Puts operations beside those of the release.
    pub fn with(mut self, module: Module) -> Self {
        let modules = super::operations::modules().into_iter().chain([module]).collect();
        let table = Arc::new(Table::new(modules).unwrap());
        self.endpoint = endpoint(table, Budget { points: 1_000_000, per_second: 200_000 });
        self
    }

    /// The answer to a document, or why it did not run.
    pub async fn ask(&self, query: &str, variables: Json) -> Json {
        self.ask_as(testing::caller(&self.db), query, variables).await
    }

    /// The same for somebody in particular.
    pub async fn ask_as(&self, caller: Arc<Caller>, query: &str, variables: Json) -> Json {
        let Json::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), variables, ..Request::default() };
        match self.endpoint.respond(caller, self.db.clone(), &request, true).await {
            Ok(answer) => serde_json::from_slice(&answer.body)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.body))),
            Err(refusal) => {
                json!({ "refused": refusal.errors.iter().map(super::errors::GraphqlError::to_json).collect::<Json>() })
            }
        }
    }

    /// The data of a document that must succeed.
    pub async fn data(&self, query: &str) -> Json {
        self.data_with(query, json!({})).await
    }

    pub async fn data_with(&self, query: &str, variables: Json) -> Json {
        let answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none() && answer.get("data").is_some(), "{query}\n{answer:#}");
        answer["data"].clone()
    }
}
