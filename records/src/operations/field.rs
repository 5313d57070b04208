//! Fields that are added to the types of records: one call answers them for all records of a level.

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    sync::Arc,
};

use entities::ids::RecordId;
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use tenants::error::{Error, Result};

use super::entry::misfit;
use crate::Ctx;

/// Points of such a field, for each record that it is asked of.
const COST: u64 = 2;

type Answers = HashMap<RecordId, Json>;
type Handler = Arc<dyn Fn(Ctx, Batch<Json>) -> BoxFuture<'static, Result<Answers>> + Send + Sync>;

/// A field that is added to the records of an object. Whoever may see the record may ask for it; what the handler reads
/// besides is read as the caller.
#[derive(Clone)]
pub struct AddedField {
    /// Name of the object.
    pub object: &'static str,
    /// Name of the field, declared by an `extend type` of the object's type.
    pub name: &'static str,
    /// Points for each record that it is asked of.
    pub cost: u64,
    handler: Handler,
}

/// What is asked of many records at once.
pub struct Batch<A> {
    /// The records, each once.
    pub records: Vec<RecordId>,
    /// The field's arguments, the same for all.
    pub args: A,
    /// What is selected in the answers.
    pub selected: Selected,
}

/// What is selected in an answer, so that nothing else need be found out.
#[derive(Clone, Debug, Default)]
pub struct Selected(BTreeSet<String>);

impl Selected {
    /// A selection of these paths: names joined by points.
    pub fn of(paths: impl IntoIterator<Item = String>) -> Self {
        Self(paths.into_iter().collect())
    }

    /// Whether a path is selected, such as `entries` or `entries.record`.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }
}

impl AddedField {
    /// A field and its handler, which answers by record; records that it leaves out have no value.
    pub fn new<A, R, H, F>(object: &'static str, name: &'static str, handler: H) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        H: Fn(Ctx, Batch<A>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<RecordId, R>>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |ctx, batch| {
            let Batch { records, args, selected } = batch;
            let args = serde_json::from_value(args);
            let asked = args.map(|args| handler(ctx, Batch { records, args, selected }));
            Box::pin(async move {
                let answers = asked.map_err(|error| misfit(name, &error))?.await?;
                let json = |(id, answer)| Ok((id, serde_json::to_value(answer).map_err(Error::internal)?));
                answers.into_iter().map(json).collect()
            })
        });
        Self { object, name, cost: COST, handler }
    }

    /// Says what it costs for each record, in points.
    pub fn cost(mut self, points: u64) -> Self {
        self.cost = points;
        self
    }

    /// Asks its handler.
    ///
    /// # Errors
    /// Those of the handler.
    pub async fn run(
        &self,
        ctx: &Ctx,
        records: Vec<RecordId>,
        args: Map<String, Json>,
        selected: Selected,
    ) -> Result<Answers> {
        (self.handler)(ctx.clone(), Batch { records, args: Json::Object(args), selected }).await
    }
}
