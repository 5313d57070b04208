//! The job that converts many rows.
//!
//! Rows are converted in batches, in the order of their ids. Writes that happen meanwhile are in the history, which is
//! followed from the commit at which the work began. So no write is lost, and writers need not know the new column. The
//! last changes are applied while nobody may write records of the object, which takes as long as converting a few rows.

use sea_orm::{ConnectionTrait, TransactionSession};
use tenants::{Dialect, TenantDb, TenantTx, error::Result};
use uuid::Uuid;

use super::{
    super::{
        Catalog, Field, FieldId, FieldState, Object,
        build::{self, Todo},
        builder::{self, Progress},
        cache, ddl,
        edit::{Edit, edit},
        fill, store,
    },
    TypeChange,
    cells::{Conversion, Outcome},
};
use crate::{Ctx, sql::Sql, values::Locale};

/// Rows converted, or changes followed, in one transaction.
const BATCH: i64 = 2_000;
/// Batches in one step, about a second of work.
const BATCHES: usize = 10;
/// Batches applied while writers wait.
const LAST: usize = 2;

/// The result of a batch.
enum Batch {
    /// There may be more rows.
    More,
    /// Everything is done.
    Last,
    /// The stored change is not the one this job began with; somebody cancelled it.
    Gone,
    /// It is not possible; holds the reason.
    Impossible(String),
    /// Two records share a value, or seem to while changes are still to be followed.
    Shared,
}

/// Does one step of converting a field; it can be repeated at any point.
pub(in super::super) async fn step(
    ctx: &Ctx,
    catalog: &Catalog,
    field: &Field,
    change: &TypeChange,
) -> Result<Progress> {
    let (db, target) = (&ctx.db, change.target(field));
    let Some(object) = catalog.object_by_id(field.object) else { return Ok(Progress::Done) };
    let locale = Locale::of(db.settings(), catalog.rates.clone());
    let work = Work {
        db,
        field: field.id,
        conversion: Conversion { object, from: field, to: &target, locale, lossy: change.lossy },
    };
    if !change.filled {
        let batch = work.passes(Pass::Fill).await?;
        return work.over(ctx, batch).await;
    }
    match work.passes(Pass::Follow).await? {
        Batch::Last => {}
        other => return work.over(ctx, other).await,
    }
    if !work.indexed().await? {
        return work.over(ctx, Batch::Impossible(builder::shared(&target))).await;
    }
    // the rest is done while writers wait, so it must be little
    match work.passes(Pass::Follow).await? {
        Batch::Last => {}
        other => return work.over(ctx, other).await,
    }
    match work.finish(ctx).await? {
        Batch::Last => Ok(Progress::Done),
        Batch::Shared => work.over(ctx, Batch::Impossible(builder::shared(&target))).await,
        other => work.over(ctx, other).await,
    }
}

/// The rows of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Rows that existed at the beginning.
    Fill,
    /// Rows written since then.
    Follow,
}

struct Work<'a> {
    db: &'a TenantDb,
    field: FieldId,
    conversion: Conversion<'a>,
}

impl Work<'_> {
    /// What follows a batch that was not the last of its pass.
    async fn over(&self, ctx: &Ctx, batch: Batch) -> Result<Progress> {
        match batch {
            Batch::More | Batch::Last => {}
            Batch::Shared => self.drop_unique().await?,
            Batch::Gone => {
                let now = cache::reload(self.db).await?;
                let swapped = now.field(self.field).is_some_and(|field| field.column == self.conversion.to.column);
                if !swapped {
                    self.drop_unique().await?;
                }
            }
            Batch::Impossible(reason) => {
                fail(ctx, self.field, &self.conversion.to.column, &reason).await?;
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }

    /// Before all changes are followed, two records may seem to share a value that one of them has given up: then the
    /// index is built again.
    async fn drop_unique(&self) -> Result<()> {
        let index = ddl::unique_index(&self.conversion.object.table, self.conversion.to);
        let sql = match self.db.dialect() {
            Dialect::Sqlite => index.drop(),
            Dialect::Postgres => index.drop_concurrently(),
        };
        self.db.run_online(&sql).await?;
        Ok(())
    }

    /// The batches of one step.
    async fn passes(&self, pass: Pass) -> Result<Batch> {
        for _ in 0..BATCHES {
            let tx = self.db.begin_write().await?;
            let batch = self.batch(&tx, pass).await?;
            match batch {
                Batch::More | Batch::Last => tx.commit().await?,
                _ => tx.rollback().await?,
            }
            if !matches!(batch, Batch::More) {
                return Ok(batch);
            }
        }
        Ok(Batch::More)
    }

    /// Converts the next rows of a pass and stores the position.
    async fn batch(&self, tx: &TenantTx, pass: Pass) -> Result<Batch> {
        let Some((mut todo, mut change)) = self.held(tx).await? else { return Ok(Batch::Gone) };
        let (ids, last) = match pass {
            Pass::Fill => {
                let ids = fill::next_ids(tx, self.conversion.object, todo.after, BATCH).await?;
                todo.after = ids.last().copied().or(todo.after);
                change.filled = (ids.len() as i64) < BATCH;
                (ids, change.filled)
            }
            Pass::Follow => {
                let (ids, full) = written_since(tx, self.conversion.object, &mut change.followed).await?;
                fill::lock(tx, self.conversion.object, &ids).await?;
                (ids, !full)
            }
        };
        if pass == Pass::Follow && self.conversion.to.unique {
            self.conversion.clear(tx, &ids).await?;
        }
        match self.conversion.convert(tx, &ids).await? {
            Outcome::Converted => {}
            Outcome::Refused(losses) => {
                return Ok(Batch::Impossible(format!("{}.", losses.describe(self.conversion.from))));
            }
            Outcome::Shared => return Ok(Batch::Shared),
        }
        todo.change = Some(change);
        store::save_todo(tx, self.field, Some(&todo)).await?;
        Ok(if last { Batch::Last } else { Batch::More })
    }

    /// What is left to do, if it is still the same change.
    async fn held(&self, tx: &TenantTx) -> Result<Option<(Todo, TypeChange)>> {
        let Some((_, todo)) = store::held(tx, self.field).await? else { return Ok(None) };
        let change = todo.change.clone().filter(|change| change.column == self.conversion.to.column);
        Ok(change.map(|change| (todo, change)))
    }

    /// Builds the indexes of the new column; false if records share a value of a unique index.
    async fn indexed(&self) -> Result<bool> {
        let table = &self.conversion.object.table;
        let indexed = store::indexed(self.db, self.field).await?;
        for index in build::wanted_indexes(self.db.dialect(), table, self.conversion.to, indexed) {
            if !builder::index_made(self.db, &index).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Applies the last changes and swaps the columns, while nobody may write records of the object.
    async fn finish(&self, ctx: &Ctx) -> Result<Batch> {
        let this = self;
        edit(self.db, ctx.caller.clock.micros(), |edit: &mut Edit<'_>| Box::pin(this.last(edit))).await
    }

    async fn last(&self, edit: &mut Edit<'_>) -> Result<Batch> {
        if edit.dialect() == Dialect::Postgres {
            // the lock that ALTER TABLE would take also blocks readers; this one does not
            let table = &self.conversion.object.table;
            edit.run([format!(r#"LOCK TABLE "tenant"."{table}" IN EXCLUSIVE MODE"#)]).await?;
        }
        let Some((_, mut change)) = self.held(&edit.tx).await? else { return Ok(Batch::Gone) };
        let (mut ids, mut behind) = (Vec::new(), true);
        for _ in 0..LAST {
            let (more, full) = written_since(&edit.tx, self.conversion.object, &mut change.followed).await?;
            ids.extend(more);
            behind = full;
            if !behind {
                break;
            }
        }
        if behind {
            return Ok(Batch::More);
        }
        ids.sort_unstable();
        ids.dedup();
        self.conversion.clear(&edit.tx, &ids).await?;
        match self.conversion.convert(&edit.tx, &ids).await? {
            Outcome::Converted => {}
            Outcome::Refused(losses) => {
                return Ok(Batch::Impossible(format!("{}.", losses.describe(self.conversion.from))));
            }
            Outcome::Shared => return Ok(Batch::Shared),
        }
        let known = edit.field(self.field)?.clone();
        let target = change.target(&known);
        match super::fits(edit, &known, &target).await {
            Ok(()) => super::swap(edit, known, target).await?,
            Err(error) if error.code().kind().retryable() => return Err(error),
            Err(error) => return Ok(Batch::Impossible(super::in_words(&error))),
        }
        Ok(Batch::Last)
    }
}

/// The records of the next changes, in the order of ids. Moves the position forward, and says whether there may be
/// more.
async fn written_since(tx: &TenantTx, object: &Object, followed: &mut (i64, i64)) -> Result<(Vec<Uuid>, bool)> {
    let (seq, n) = *followed;
    let mut sql = Sql::new(tx.dialect());
    sql.push("SELECT c.seq, h.n, h.record_id FROM ").table("commits").push(" AS c JOIN ").table("changes");
    sql.push(" AS h ON h.commit_id = c.id WHERE c.seq >= ").bind(seq).push(" AND (c.seq > ").bind(seq);
    sql.push(" OR h.n > ")
        .bind(n)
        .push(") AND h.kind NOT IN ('ROLLUP', 'REBUILT') AND h.object_id = ")
        .bind(object.id.0);
    sql.push(" ORDER BY c.seq, h.n LIMIT ").number(BATCH);
    let (text, bound) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, bound)).await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        *followed = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        ids.push(row.try_get_by_index(2)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok((ids, rows.len() as i64 == BATCH))
}

/// The change failed: the field stays as it was, with the reason.
async fn fail(ctx: &Ctx, id: FieldId, column: &str, reason: &str) -> Result<()> {
    edit(&ctx.db, ctx.caller.clock.micros(), |edit: &mut Edit<'_>| {
        Box::pin(async move {
            let Some(mut field) = edit.catalog.field(id).cloned() else { return Ok(()) };
            let todo = store::todo(&edit.tx, id).await?;
            if todo.and_then(|todo| todo.change).is_none_or(|change| change.column != column) {
                return Ok(());
            }
            super::give_up(edit, &mut field).await?;
            field.state = FieldState::Failed;
            field.failure = Some(reason.to_owned());
            edit.update_field(field).await
        })
    })
    .await
}
