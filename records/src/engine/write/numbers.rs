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
static SPARES: LazyLock<Mutex<Spares>> = LazyLock::new(Mutex::default);

/// By counter, the least last.
type Spares = HashMap<(TenantId, FieldId), Vec<i64>>;

/// Numbers in hand for one transaction. What it does not use is spare again when this is dropped.
pub(crate) struct Numbers {
    tenant: TenantId,
    /// By field, the least last, where it is popped.
    have: HashMap<FieldId, Vec<i64>>,
}

impl Numbers {
    /// None in hand: each is taken from its counter inside the transaction, and undone with it.
    pub fn none(ctx: &Ctx) -> Self {
        Self { tenant: ctx.db.tenant(), have: HashMap::new() }
    }

    /// Takes numbers for so many new records of an object.
    pub async fn reserve(ctx: &Ctx, object: ObjectId, count: usize) -> Result<Self> {
        let mut numbers = Self::none(ctx);
        numbers.add(ctx, object, count).await?;
        Ok(numbers)
    }

    /// Takes what these mutations need.
    pub async fn for_mutations(ctx: &Ctx, mutations: &[Mutation]) -> Result<Self> {
        let mut needs: HashMap<ObjectId, usize> = HashMap::new();
        for mutation in mutations.iter().filter(|mutation| matches!(mutation.change, Change::Create { .. })) {
            *needs.entry(mutation.object).or_default() += 1;
        }
        let mut numbers = Self::none(ctx);
        for (object, count) in needs {
            numbers.add(ctx, object, count).await?;
        }
        Ok(numbers)
    }

    async fn add(&mut self, ctx: &Ctx, object: ObjectId, count: usize) -> Result<()> {
        let Some(object) = ctx.catalog.object_by_id(object).filter(|_| count > 0) else { return Ok(()) };
        for field in counted(object) {
            let mut have = spare(self.tenant, field.id, count);
            if have.len() < count {
                let block = (count - have.len()) as i64 + SPARE;
                let first = take(&ctx.db, field.id, block).await?;
                have = (first..first + block).rev().chain(have).collect();
            }
            self.have.insert(field.id, have);
        }
        Ok(())
    }

    /// The next number of a field, as its text.
    pub(super) async fn next(&mut self, tx: &TenantTx, field: &Field) -> Result<String> {
        let number = match self.have.get_mut(&field.id).and_then(Vec::pop) {
            Some(number) => number,
            // records made by rules were not foreseen
            None => take(tx, field.id, 1).await?,
        };
        let FieldKind::AutoNumber { prefix, width } = &field.kind else {
            return Err(Error::internal("a field without counter was to be numbered"));
        };
        Ok(format!("{prefix}{number:0width$}", width = usize::from(*width)))
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() >= REMEMBERED {
            spares.clear();
        }
        for (field, mut left) in self.have.drain().filter(|(_, left)| !left.is_empty()) {
            let spare = spares.entry((self.tenant, field)).or_default();
            spare.append(&mut left);
            spare.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        }
    }
}

/// Up to so many spare numbers of this process, the least ones, the very least last.
fn spare(tenant: TenantId, field: FieldId, count: usize) -> Vec<i64> {
    let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
    match spares.get_mut(&(tenant, field)) {
        Some(spare) => spare.split_off(spare.len().saturating_sub(count)),
        None => Vec::new(),
    }
}

/// The numbered fields of an object.
pub(super) fn counted(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.usable() && matches!(field.kind, FieldKind::AutoNumber { .. }))
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
