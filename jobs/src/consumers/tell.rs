//! After a commit: finds the consumers that have not seen it, and asks for their work.

use std::collections::{HashMap, HashSet};

use entities::tenant::{consumers, work};
use records::engine::{self, TellConsumers};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TransactionSession};
use tenants::{error::Result, work::enqueue};

use super::{Consumers, Surroundings};
use crate::{Attempt, Handler, Next};

pub(super) struct Teller {
    pub consumers: Consumers,
    pub with: Surroundings,
}

#[async_trait::async_trait]
impl Handler for Teller {
    type Job = TellConsumers;

    async fn run(&self, _: TellConsumers, attempt: &Attempt) -> Result<Next> {
        let (db, now) = (&attempt.db, self.with.clock.micros());
        let last = engine::last_seq(db).await?;
        let rows = consumers::Entity::find().all(db).await?;
        let rows: HashMap<&str, &consumers::Model> = rows.iter().map(|row| (row.name.as_str(), row)).collect();
        // whoever waits after a failure keeps its pause
        let names = self.consumers.0.iter().map(|listed| listed.name);
        let waiting = work::Entity::find()
            .filter(work::Column::Queue.is_in(names))
            .filter(work::Column::FailedAt.is_null())
            .filter(work::Column::Taken.eq(false))
            .all(db)
            .await?;
        let waiting: HashSet<&str> = waiting.iter().map(|item| item.queue.as_str()).collect();
        let tx = db.begin_write().await?;
        for listed in &self.consumers.0 {
            let behind = rows.get(listed.name).map_or(last, |row| last + 1 - row.seq);
            self.with.lags.set(listed.name, db.tenant(), behind);
            let up_to_date = rows.get(listed.name).is_some_and(|row| row.seq > last && !row.rebuilding);
            if !up_to_date && !waiting.contains(listed.name) {
                enqueue(db, &tx, (listed.work)(now)?, now).await?;
            }
        }
        tx.commit().await?;
        db.tickets().wake();
        Ok(Next::Done)
    }
}
