//! One operation: who may ask for it, what it costs, and who answers.

use std::{future::Future, sync::Arc};

use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use tenants::{
    Actor, Operation, Permission,
    error::{Code, Error, Result},
};

use crate::{Ctx, permission};

/// Points of an operation that does not say what it costs.
const COST: u64 = 10;

type Handler = Arc<dyn Fn(Ctx, Json) -> BoxFuture<'static, Result<Json>> + Send + Sync>;

/// An operation of the table.
#[derive(Clone)]
pub struct Entry {
    /// The field of `Query` or `Mutation` that it answers.
    pub name: &'static str,
    /// Who may ask for it. A table with an entry that does not say is refused.
    pub permit: Option<Permit>,
    /// Points, besides those of the records that it answers.
    pub cost: u64,
    /// Whose schema has it.
    pub audience: Audience,
    /// Where REST has it.
    pub route: Option<Route>,
    handler: Handler,
}

/// Who may ask for an operation. Services decide further where it depends on what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Everybody who is signed in, and every key.
    SignedIn,
    /// Those whose role gives a named permission.
    Named(Permission),
    /// Those whose role allows this on at least some records of the object of this name.
    Records(&'static str, Operation),
}

/// Whose schema has an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// Members, keys and plugins.
    #[default]
    Staff,
    /// Customers, in their portal.
    Portal,
}

/// Where REST has an operation, below `/api/v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// How it is asked.
    pub method: Method,
    /// Its address; parts in braces are arguments: `/runs/{id}`.
    pub path: &'static str,
}

/// Methods of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Takes its arguments from the query.
    Get,
    /// Takes its arguments from a JSON object, as the others do.
    Post,
    Put,
    Patch,
    Delete,
}

impl Entry {
    /// An operation and its handler. The arguments are those of the declaration, deserialised; the answer is what
    /// serialises into the declared type.
    pub fn new<A, R, H, F>(name: &'static str, handler: H) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        H: Fn(Ctx, A) -> F + Send + Sync + 'static,
        F: Future<Output = Result<R>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |ctx, args| {
            let args = serde_json::from_value(args).map(|args| handler(ctx, args));
            Box::pin(async move {
                let answer = args.map_err(|error| misfit(name, &error))?.await?;
                serde_json::to_value(answer).map_err(Error::internal)
            })
        });
        Self { name, permit: None, cost: COST, audience: Audience::default(), route: None, handler }
    }

    /// Says who may ask for it.
    pub fn permit(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Says what it costs, in points.
    pub fn cost(mut self, points: u64) -> Self {
        self.cost = points;
        self
    }

    /// Says whose schema has it.
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// Says where REST has it.
    pub fn route(mut self, method: Method, path: &'static str) -> Self {
        self.route = Some(Route { method, path });
        self
    }

    /// Asks its handler, if the caller may.
    ///
    /// # Errors
    /// `FORBIDDEN`, and those of the handler.
    pub async fn run(&self, ctx: &Ctx, args: Map<String, Json>) -> Result<Json> {
        self.demand(ctx)?;
        (self.handler)(ctx.clone(), Json::Object(args)).await
    }

    fn demand(&self, ctx: &Ctx) -> Result<()> {
        let is_customer = matches!(ctx.caller.actor, Actor::Customer(_));
        if is_customer != (self.audience == Audience::Portal) {
            return Err(Error::of(Code::Forbidden));
        }
        match self.permit {
            None => Err(Error::internal(format!("operation `{}` has no permission", self.name))),
            Some(Permit::SignedIn) => Ok(()),
            Some(Permit::Named(permission)) => ctx.caller.demand(permission),
            Some(Permit::Records(object, operation)) => match ctx.catalog.object(object) {
                Some(object) => permission::permit(ctx, object, operation).map(drop),
                None => Err(Error::new(Code::NotFound, format!("There is no object `{object}`."))),
            },
        }
    }
}

/// The schema lets in what the declaration says: arguments that do not fit are our fault.
pub(super) fn misfit(name: &str, error: &serde_json::Error) -> Error {
    Error::internal(format!("the arguments of `{name}` are not what its declaration says: {error}"))
}
