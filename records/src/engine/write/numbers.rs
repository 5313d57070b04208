//! Auto-numbers: taken in blocks, in a transaction of their own, so that creating records does not queue at a counter.
//! What a process took and did not use is a gap.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use entities::ids::{FieldId, ObjectId, TenantId};
use sea_orm::ConnectionTrait;
use tenants::{
    TenantTx,
    error::{Error, Result},
};

use super::{super::Change, Mutation};
use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object},
};

/// Numbers taken beyond a small need, for the next records.
const SPARE: i64 = 15;
/// Counters whose spare numbers a process remembers.
const REMEMBERED: usize = 10_000;

/// Spare numbers of this process.
static SPARES: LazyLock<Mutex<HashMap<(TenantId, FieldId), Vec<i64>>>> = LazyLock::new(Mutex::default);

/// Numbers in hand for one transaction.
#[derive(Default)]
pub(crate) struct Numbers(HashMap<FieldId, Vec<i64>>);

impl Numbers {
    /// Takes numbers for so many new records of an object.
    pub async fn reserve(ctx: &Ctx, object: ObjectId, count: i64) -> Result<Self> {
        let mut numbers = Self::default();
        let Some(object) = ctx.catalog.object_by_id(object) else { return Ok(numbers) };
        for field in counted(object) {
            let taken = if count <= SPARE {
                few(ctx, field.id, count as usize).await?
            } else {
                let first = take(&ctx.db, field.id, count).await?;
                (first..first + count).rev().collect()
            };
            numbers.0.insert(field.id, taken);
        }
        Ok(numbers)
    }

    /// Takes what these mutations need.
    pub async fn for_mutations(ctx: &Ctx, mutations: &[Mutation]) -> Result<Self> {
        let mut needs: HashMap<ObjectId, i64> = HashMap::new();
        for mutation in mutations.iter().filter(|mutation| matches!(mutation.change, Change::Create { .. })) {
            *needs.entry(mutation.object).or_default() += 1;
        }
        let mut numbers = Self::default();
        for (object, count) in needs {
            numbers.0.extend(Self::reserve(ctx, object, count).await?.0);
        }
        Ok(numbers)
    }

    /// The next number of a field, as its text. Records made by rules were not foreseen: theirs come from the counter,
    /// inside the transaction.
    pub(super) async fn next(&mut self, tx: &TenantTx, field: &Field) -> Result<String> {
        let number = match self.0.get_mut(&field.id).and_then(Vec::pop) {
            Some(number) => number,
            None => take(tx, field.id, 1).await?,
        };
        let FieldKind::AutoNumber { prefix, width } = &field.kind else {
            return Err(Error::internal("a field without counter was to be numbered"));
        };
        Ok(format!("{prefix}{number:0width$}", width = usize::from(*width)))
    }
}

/// The numbered fields of an object.
pub(super) fn counted(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.usable() && matches!(field.kind, FieldKind::AutoNumber { .. }))
}

/// From the process's spare numbers, else from a new block. Smallest last, where it is popped.
async fn few(ctx: &Ctx, field: FieldId, count: usize) -> Result<Vec<i64>> {
    let key = (ctx.db.tenant(), field);
    {
        let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spare) = spares.get_mut(&key).filter(|spare| spare.len() >= count) {
            return Ok(spare.split_off(spare.len() - count));
        }
    }
    let block = count as i64 + SPARE;
    let first = take(&ctx.db, field, block).await?;
    let mut all: Vec<i64> = (first..first + block).rev().collect();
    let taken = all.split_off(SPARE as usize);
    let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
    if spares.len() >= REMEMBERED {
        spares.clear();
    }
    spares.insert(key, all);
    Ok(taken)
}

/// Takes `count` numbers from a field's counter and answers the first.
pub async fn take(db: &impl ConnectionTrait, field: FieldId, count: i64) -> Result<i64> {
    let sql = r#"INSERT INTO "tenant"."counters" AS n (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = n.value + excluded.value RETURNING value"#;
    let values = vec![field.to_string().into(), count.into()];
    let statement = sea_orm::Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a counter did not answer"))?;
    let last: i64 = row.try_get_by_index(0)?;
    Ok(last - count + 1)
}
