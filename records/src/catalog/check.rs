//! `check rollups`: recomputes stored rollups, reports which are wrong, and repairs them on request.

use std::collections::BTreeMap;

use entities::ids::{FieldId, ObjectId, RecordId};
use sea_orm::{ConnectionTrait, TransactionSession};
use serde::Serialize;
use tenants::{TenantTx, error::Result};
use uuid::Uuid;

use super::{fill, rollups};
use crate::{Ctx, engine::note_rebuilt, filter::Scope, sql::Sql};

/// Records checked together.
const BATCH: i64 = 1_000;
/// Example records per rollup.
const EXAMPLES: usize = 10;

/// Wrong values of one rollup.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongTotals {
    /// The rollup.
    pub field: FieldId,
    /// Its name, `object.field`.
    pub name: String,
    /// Number of records whose value is wrong.
    pub records: usize,
    /// Some of these records.
    pub examples: Vec<RecordId>,
}

/// Checks all rollups of a tenant that are completely built. With `repair`, wrong values are recomputed under locks, so
/// that running writes are not lost.
///
/// # Errors
/// When the database does not answer.
pub async fn check_rollups(ctx: &Ctx, repair: bool) -> Result<Vec<WrongTotals>> {
    let mut found = Vec::new();
    let mut repaired: BTreeMap<ObjectId, Vec<FieldId>> = BTreeMap::new();
    let fields = ctx.catalog.objects.iter().flat_map(|object| object.fields.iter().map(move |field| (object, field)));
    let mut totals: Vec<_> = fields.filter(|(_, field)| field.rollup().is_some() && field.usable()).collect();
    // a total over others is compared with what they are once they are repaired
    totals.sort_by_key(|(_, field)| rollups::rollup_level(&ctx.catalog, field.id));
    for (object, field) in totals {
        if super::store::todo(&ctx.db, field.id).await?.is_some_and(|todo| todo.fill) {
            continue;
        }
        let name = format!("{}.{}", object.name, field.name);
        let mut wrong = WrongTotals { field: field.id, name, records: 0, examples: Vec::new() };
        one(ctx, field.id, repair, &mut wrong).await?;
        if wrong.records > 0 {
            found.push(wrong);
            repaired.entry(object.id).or_default().push(field.id);
        }
    }
    if repair && !repaired.is_empty() {
        tell(ctx, repaired).await?;
    }
    Ok(found)
}

/// Tells the feed which rollups were repaired.
async fn tell(ctx: &Ctx, repaired: BTreeMap<ObjectId, Vec<FieldId>>) -> Result<()> {
    let tx = ctx.db.begin_write().await?;
    let version = super::store::version(&tx).await?;
    note_rebuilt(&ctx.db, &tx, version, ctx.caller.clock.micros(), repaired).await?;
    Ok(tx.commit().await?)
}

async fn one(ctx: &Ctx, field: FieldId, repair: bool, wrong: &mut WrongTotals) -> Result<()> {
    let Some(source) = rollups::source(&ctx.catalog, field) else { return Ok(()) };
    let condition = source.condition(ctx.db.dialect(), Scope::of(ctx))?;
    let mut after = None;
    loop {
        let tx = if repair { ctx.db.begin_write().await? } else { ctx.db.begin_read().await? };
        let sql = source.mismatches(tx.dialect(), &condition, after, BATCH);
        let ids = ids(&tx, sql).await?;
        if repair && !ids.is_empty() {
            fill::lock(&tx, source.parent, &ids).await?;
            fill::fill(&ctx.db, &tx, &ctx.catalog, field, &ids).await?;
        }
        tx.commit().await?;
        wrong.records += ids.len();
        let room = EXAMPLES.saturating_sub(wrong.examples.len());
        wrong.examples.extend(ids.iter().take(room).copied().map(RecordId));
        match ids.last() {
            Some(last) => after = Some(*last),
            None => return Ok(()),
        }
    }
}

async fn ids(tx: &TenantTx, sql: Sql) -> Result<Vec<Uuid>> {
    let (text, values) = sql.into_parts();
    let rows = tx.query_all_raw(tx.statement(text, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}
